import { type Bank, startBank } from '../sandbox/bank/bank.ts'
import { bringBack, connectionTo, decide } from './bank_customer.ts'
import { type Api, type Json, openHouse, round, say, until } from './demo_house.ts'

/** Three banks of a person read in parallel, one of them failing, and a Pix that is paid and given back. */

const USER = 'ana'
const CPF = '52998224725'
const PATIENCE_MS = 120_000

export async function bankingDemo(): Promise<void> {
  const began = performance.now()
  const house = await openHouse()
  try {
    const redirect_uri = `${house.url}/oauth/callback`
    const banks = await Promise.all([
      startBank({ name: 'Banco Azul', ispb: '99999001', redirect_uri }),
      startBank({ name: 'Banco Verde', ispb: '99999002', redirect_uri }),
      startBank({ name: 'Banco Cinza', ispb: '99999003', redirect_uri }),
    ])
    house.undo.push(() => Promise.all(banks.map((bank) => bank.stop())))
    say(
      'Three banks',
      `${banks.map(({ name }) => name).join(', ')} are up, each with its own authority, keys and books, and ask for certificates.`,
    )
    const told = { ...(await tellBanks(house.api, banks)), ...(await tellPix(house.api, house.sandbox_url)) }
    const well =
      told.consents === 3 && told.banks_synced === 2 && told.banks_failed === 1 && told.transactions > 0
    const whole = well && told.twice === 0 && told.pix === 'completed' && told.pix_refunded === '10000'
    const seconds = round((performance.now() - began) / 1000)
    console.log(JSON.stringify({ demo: whole ? 'ok' : 'failed', ...told, seconds }))
    if (!whole) process.exitCode = 1
  } finally {
    await house.close()
  }
}

async function tellBanks(api: Api, banks: Bank[]) {
  const ids = await Promise.all(banks.map((bank) => agree(api, bank)))
  say(
    'Three consents',
    'Ana was sent to each bank, agreed on its page, and came back with an answer that is signed and encrypted.',
  )
  banks.at(-1)?.fail({ path: '/accounts/v2/accounts', status: 423, times: 1_000 })
  const first = await syncAll(api, ids)
  const [synced, failed] = ['succeeded', 'failed'].map(
    (state) => first.filter((one) => one['state'] === state).length,
  )
  const transactions = first.reduce((sum, one) => sum + Number(one['imported']), 0)
  say(
    'Read in parallel',
    `${synced} banks told of ${transactions} transactions, ${overlapping(first) ? 'at the same time' : 'one after another'}; ${failed} failed and touched no other.`,
    ...first.map((sync, at) => `${banks[at]?.name}: ${resultOf(sync)}`),
  )
  await tellWhole(api)
  const again = await syncAll(api, ids)
  const twice = again.reduce((sum, one) => sum + Number(one['imported']), 0)
  say('Read again', `${twice} of them are new the second time: what is known stays known.`)
  return { consents: ids.length, banks_synced: synced, banks_failed: failed, transactions, twice }
}

const resultOf = ({ state, imported, error, message, started_at, ended_at }: Json): string => {
  const seconds = round((Date.parse(String(ended_at)) - Date.parse(String(started_at))) / 1000)
  if (state !== 'succeeded') return `${error}. ${message}`
  return `${imported} transactions in ${seconds} s`
}

/** What Ana has over all of them, and the last of what she bought. */
async function tellWhole(api: Api): Promise<void> {
  const { totals, accounts } = await api('GET', `/v1/bank-balance?user_id=${USER}`)
  const [total] = totals as { available: Json; current: Json }[]
  const { data } = await api('GET', `/v1/bank-transactions?user_id=${USER}&status=booked&kind=pix&limit=4`)
  const lines = (data as { at: string; description: string; money: Json }[]).map(
    ({ at, description, money }) => `${at.slice(0, 10)}  ${description}  ${reais(money)}`,
  )
  say(
    'All of it in one place',
    `Ana has ${(accounts as Json[]).length} accounts and cards, with ${reais(total?.available)} to spend. Her last Pix:`,
    ...lines,
  )
}

const BRL = new Intl.NumberFormat('pt-BR', { style: 'currency', currency: 'BRL' })
const reais = (money: Json | undefined): string => BRL.format(Number(money?.['amount']) / 100)

async function agree(api: Api, bank: Bank): Promise<string> {
  const { id } = await api('POST', '/v1/banks', {
    user_id: USER,
    name: bank.name,
    bank_code: bank.ispb,
    provider: 'open_finance',
    schedule: null,
    ...connectionTo(bank),
  })
  const consent = await api('POST', `/v1/banks/${id}/consents`, { document: CPF })
  await bringBack(await decide(String(consent['redirect_url']), bank, 'approve'))
  const path = `/v1/bank-consents/${consent['id']}`
  await until(async () => (await api('GET', path))['state'] === 'AUTHORISED', PATIENCE_MS)
  return String(id)
}

async function syncAll(api: Api, ids: string[]): Promise<Json[]> {
  const begun = await Promise.all(ids.map((id) => api('POST', `/v1/banks/${id}/sync`)))
  const read = () => Promise.all(begun.map(({ id }) => api('GET', `/v1/bank-syncs/${id}`)))
  await until(async () => (await read()).every((one) => one['ended_at'] !== null), PATIENCE_MS)
  return read()
}

const overlapping = (syncs: Json[]): boolean => {
  const [latest_start] = syncs
    .map((one) => String(one['started_at']))
    .sort()
    .reverse()
  const [first_end] = syncs.map((one) => String(one['ended_at'])).sort()
  return String(latest_start) < String(first_end)
}

async function tellPix(api: Api, sandbox_url: string) {
  const { id: connection_id } = await api('POST', '/v1/connections', {
    provider: 'pix',
    name: 'Our bank',
    environment: 'development',
    settings: {
      base_url: `${sandbox_url}/pix/v2`,
      token_url: `${sandbox_url}/pix/oauth/token`,
      pix_key: '7d9f0335-8dcc-4054-9bf9-0dbd61d36906',
      mtls: false,
    },
    credentials: { client_id: 'shop', client_secret: 'sandbox-secret' },
  })
  const secret = 'a-secret-in-the-path'
  const source = await api('POST', '/v1/sources', {
    provider: 'pix',
    name: 'Our bank',
    settings: { verified_by: 'path_token' },
    secrets: [secret],
  })
  const webhook = { operation: 'webhooks.set', input: { url: `${source['url']}/${secret}` } }
  await api('POST', `/v1/connections/${connection_id}/calls`, webhook)
  const money = { amount: '10000', currency: 'BRL' }
  const made = await api('POST', '/v1/payments', { connection_id, money, description: 'Order 1042' })
  const path = `/v1/payments/${made['id']}`
  const order = JSON.stringify({ txid: made['vendor_id'] })
  await fetch(`${sandbox_url}/pix/_control/pay`, { method: 'POST', body: order })
  const is = (status: string) => async () => (await api('GET', path))['status'] === status
  await until(is('completed'), PATIENCE_MS)
  const paid = await api('GET', path)
  await api('POST', `${path}/refunds`, {})
  await until(is('refunded'), PATIENCE_MS)
  const { refunded } = (await api('GET', path)) as { refunded: Json }
  say(
    'A Pix',
    `A shop asked ${reais(money)} for its order 1042. Its customer scanned this code, the bank told us by webhook, and the shop gave the money back:`,
    `${String((made['action'] as Json)['pix_code']).slice(0, 60)}…`,
    `paid as ${paid['settlement_id']}`,
    `given back ${reais(refunded)}: the payment is ${(await api('GET', path))['status']}`,
  )
  return { pix: paid['status'], pix_refunded: refunded['amount'] }
}
