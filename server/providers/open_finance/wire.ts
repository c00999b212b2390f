import Type, { type Static } from 'typebox'
import { maybe } from '../../kit/reads.ts'

/** The fields we read of Open Finance Brasil: Consents 3.2.0, Resources 3.0.0, Accounts 2.4.2, Credit cards 2.3.1. */

const Links = maybe(Type.Object({ next: maybe(Type.String()) }))

export const Consent = Type.Object({
  data: Type.Object({
    consentId: Type.String(),
    status: Type.String(),
    permissions: Type.Array(Type.String()),
    expirationDateTime: maybe(Type.String()),
    rejection: maybe(
      Type.Object({
        rejectedBy: maybe(Type.String()),
        reason: Type.Object({ code: Type.String(), additionalInformation: maybe(Type.String()) }),
      }),
    ),
  }),
})
export type Consent = Static<typeof Consent>

const Resource = Type.Object({ type: Type.String(), status: Type.String() })

const Account = Type.Object({
  accountId: Type.String(),
  brandName: maybe(Type.String()),
  companyCnpj: maybe(Type.String()),
  type: Type.String(),
  branchCode: maybe(Type.String()),
  number: Type.String(),
  checkDigit: maybe(Type.String()),
})
export type Account = Static<typeof Account>

const Card = Type.Object({ creditCardAccountId: Type.String(), name: maybe(Type.String()) })
export type Card = Static<typeof Card>

/** One question after another tells of all accounts: which kinds there are, then those of each kind. */
export const Listed = Type.Object({
  data: Type.Array(Type.Union([Account, Card, Resource])),
  links: Links,
})
export type Listed = Static<typeof Listed>

const Amount = Type.Object({ amount: Type.String(), currency: Type.String() })
export type Amount = Static<typeof Amount>

const Balance = Type.Object({
  availableAmount: Amount,
  blockedAmount: maybe(Amount),
  automaticallyInvestedAmount: maybe(Amount),
  updateDateTime: maybe(Type.String()),
})
export type Balance = Static<typeof Balance>

const Limit = Type.Object({
  creditLineLimitType: maybe(Type.String()),
  limitAmount: maybe(Amount),
  usedAmount: Amount,
  availableAmount: maybe(Type.Object({ amount: maybe(Type.String()), currency: maybe(Type.String()) })),
})
export type Limit = Static<typeof Limit>

/** Of an account its balance, of a card its lines of credit. */
export const Standing = Type.Object({ data: Type.Union([Balance, Type.Array(Limit)]) })
export type Standing = Static<typeof Standing>

const Entry = Type.Object({
  transactionId: Type.String(),
  completedAuthorisedPaymentType: Type.String(),
  creditDebitType: Type.String(),
  transactionName: Type.String(),
  type: Type.String(),
  transactionAmount: Amount,
  transactionDateTime: Type.String(),
  partieCnpjCpf: maybe(Type.String()),
  partieBranchCode: maybe(Type.String()),
  partieNumber: maybe(Type.String()),
  partieCheckDigit: maybe(Type.String()),
})
export type Entry = Static<typeof Entry>

const Purchase = Type.Object({
  transactionId: Type.String(),
  transactionName: Type.String(),
  creditDebitType: Type.String(),
  transactionType: Type.String(),
  brazilianAmount: Amount,
  transactionDateTime: Type.String(),
})
export type Purchase = Static<typeof Purchase>

export const Transactions = Type.Object({
  data: Type.Array(Type.Union([Entry, Purchase])),
  links: Links,
})
export type Transactions = Static<typeof Transactions>

/** Live data has versions as text, the schema says number; neither is read. */
const Server = Type.Object({
  CustomerFriendlyName: maybe(Type.String()),
  CustomerFriendlyLogoUri: maybe(Type.String()),
  OpenIDDiscoveryDocument: maybe(Type.String()),
  ApiResources: maybe(
    Type.Array(
      Type.Object({
        ApiFamilyType: maybe(Type.String()),
        ApiDiscoveryEndpoints: maybe(Type.Array(Type.Object({ ApiEndpoint: maybe(Type.String()) }))),
      }),
    ),
  ),
})

export const Organisations = Type.Array(
  Type.Object({
    OrganisationId: Type.String(),
    OrganisationName: maybe(Type.String()),
    RegistrationNumber: maybe(Type.String()),
    Status: maybe(Type.String()),
    AuthorisationServers: maybe(Type.Array(Server)),
  }),
)
export type Organisations = Static<typeof Organisations>
