import type { Provider } from '../kit/provider.ts'
import { awsSns } from './aws_sns/provider.ts'
import { bancoDoBrasil } from './banco_do_brasil/provider.ts'
import { bancoDoBrasilTransfers } from './banco_do_brasil_transfers/provider.ts'
import { bradesco } from './bradesco/provider.ts'
import { bradescoTransfers } from './bradesco_transfers/provider.ts'
import { email } from './email/provider.ts'
import { files } from './files/provider.ts'
import { github } from './github/provider.ts'
import { googlePubsub } from './google_pubsub/provider.ts'
import { grpc } from './grpc/provider.ts'
import { http } from './http/provider.ts'
import { itau } from './itau/provider.ts'
import { itauTransfers } from './itau_transfers/provider.ts'
import { mailchimp } from './mailchimp/provider.ts'
import { mandrill } from './mandrill/provider.ts'
import { openFinance } from './open_finance/provider.ts'
import { openFinanceRegistration } from './open_finance_registration/provider.ts'
import { paypal } from './paypal/provider.ts'
import { pinbank } from './pinbank/provider.ts'
import { pix } from './pix/provider.ts'
import { plaid } from './plaid/provider.ts'
import { slack } from './slack/provider.ts'
import { soap } from './soap/provider.ts'
import { sql } from './sql/provider.ts'
import { stripe } from './stripe/provider.ts'
import { twilio } from './twilio/provider.ts'
import { whatsapp } from './whatsapp/provider.ts'

/** Every vendor there is. One line here, one folder beside. */
const ALL: readonly Provider[] = [
  awsSns,
  bancoDoBrasil,
  bancoDoBrasilTransfers,
  bradesco,
  bradescoTransfers,
  email,
  files,
  github,
  googlePubsub,
  grpc,
  http,
  itau,
  itauTransfers,
  mailchimp,
  mandrill,
  openFinance,
  openFinanceRegistration,
  paypal,
  pix,
  pinbank,
  plaid,
  slack,
  soap,
  sql,
  stripe,
  twilio,
  whatsapp,
]

export const providers: ReadonlyMap<string, Provider> = new Map(ALL.map((one) => [one.id, one]))
