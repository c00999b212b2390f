import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, describe, test } from 'node:test'
import { type Bank, startBank } from '../sandbox/bank/bank.ts'
import { connectionTo } from './bank_customer.ts'
import { withoutBrowser } from './browser.ts'
import { type Dashboard, looked, startDashboard } from './dashboard.ts'
import { undoAfter } from './harness.ts'
import { listen, stripe } from './issuing.ts'
import { eventually, type Json, type Product } from './product.ts'

// What the operations person settles in the dashboard, in a real browser before the real server and its sandbox.

describe('the desk of the operations person', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let product: Product
  let at: Dashboard['at']
  let connection: string

  before(async () => {
    ;({ product, at } = await startDashboard())
    connection = await newStripe('Stripe of the shop', 'sk_test_desk')
  })

  async function newStripe(name: string, secret_key: string): Promise<string> {
    const { id } = await product.api.ok('POST', '/v1/connections', {
      provider: 'stripe',
      name,
      environment: 'development',
      settings: { base_url: `${product.sandbox.url}/stripe` },
      credentials: { secret_key },
    })
    return String(id)
  }

  test('a vendor is told the address of a source, what it kept is read, and the address is taken back', async () => {
    const source = await product.api.ok('POST', '/v1/sources', {
      provider: 'stripe',
      name: 'Of the desk',
      connection_id: connection,
    })
    const listed = async () => {
      const headers = { authorization: 'Bearer sk_test_desk' }
      const answer = await fetch(`${product.sandbox.url}/stripe/v1/webhook_endpoints`, { headers })
      return ((await answer.json()) as { data: Json[] }).data.filter(({ url }) => url === source['url'])
    }
    const window = await at(`/inbound/sources/${source['id']}`)
    const { page } = window
    await page.getByText('Not told yet', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Tell the provider' }).click()
    await page.getByText('Told', { exact: true }).waitFor()
    assert.equal((await listed()).length, 1)
    await page.getByRole('button', { name: 'Look now' }).click()
    await page.getByText('Up to date', { exact: true }).waitFor()
    await page.getByText(/\d+ listed, \d+ of them new here/).waitFor()
    await page.getByRole('button', { name: 'Take back' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
    await page.getByText('Not told yet', { exact: true }).waitFor()
    assert.deepEqual(await listed(), [])
    await looked(window)
  })

  test('a payment route is made, tried and taken, and the payment says which way it went', async () => {
    await newStripe('Stripe that refuses', 'rk_test_wrong-key')
    const window = await at('/payments/routes')
    const { page } = window
    await page.getByRole('link', { name: 'New route' }).first().click()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('All payments')
    await page.getByRole('switch', { name: /Takes payments/ }).press('Space')
    const rule = page.getByRole('region', { name: 'Rule 1' })
    await rule.getByLabel('Of at most').fill('500')
    for (const name of ['Stripe of the shop', 'Stripe that refuses']) {
      await rule.getByPlaceholder('Add a connection').click()
      await page.getByRole('option', { name }).click()
    }
    await rule.getByRole('button', { name: 'Move up: Stripe that refuses' }).click()
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'All payments' }).waitFor()
    await page.getByRole('button', { name: 'See the route' }).click()
    await page.getByText('Rule 1 fits').waitFor()
    await page.getByText('Asked first').waitFor()
    await page.getByLabel('Amount').fill('501')
    await page.getByRole('button', { name: 'See the route' }).click()
    await page.getByText('No rule fits').waitFor()
    const money = { amount: '50000', currency: 'BRL' }
    const { id } = await product.api.ok('POST', '/v1/payments', { money, source: 'pm_card_visa' })
    await page.goto(`/payments/${id}`)
    const way = page.getByRole('region', { name: 'The way it took' })
    await way.getByText('Took nothing, so the next was asked').waitFor()
    await way.getByRole('link', { name: 'Stripe of the shop' }).waitFor() // named once the connections are read
    assert.deepEqual(await way.getByRole('link', { name: /^Stripe/ }).allInnerTexts(), [
      'Stripe that refuses',
      'Stripe of the shop',
    ])
    await page.getByRole('link', { name: 'All payments' }).click()
    await page.getByRole('button', { name: 'Delete route' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete route' }).click()
    await page.getByText('No payment routes yet').waitFor()
    await looked(window)
  })

  test('a card is issued to a new holder, limited and given a rule, and an authorization says why', async () => {
    const vendor = { url: `${product.sandbox.url}/stripe` }
    await listen(product, vendor)
    const window = await at('/cards/rules')
    const { page } = window
    await page.getByRole('link', { name: 'New rule' }).first().click()
    await page.getByLabel('Name').fill('Small things only')
    await page.getByLabel('Above').fill('5')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('link', { name: 'Small things only' }).waitFor()
    await page.getByRole('link', { name: 'Issue a card' }).click()
    await page.getByRole('combobox', { name: 'Connection' }).click()
    await page.getByRole('option', { name: 'Stripe of the shop' }).click()
    await page.getByRole('button', { name: 'New cardholder' }).click()
    const holder = page.getByRole('dialog')
    for (const [label, text] of [
      ['Name on the card', 'Joana Prado'],
      ['First name', 'Joana'],
      ['Last name', 'Prado'],
      ['Street and number', 'Rua das Flores 12'],
      ['City', 'Recife'],
      ['Postal code', '50000-000'],
    ] as const) {
      await holder.getByLabel(label).fill(text)
    }
    await holder.getByRole('button', { name: 'New cardholder' }).click()
    await holder.waitFor({ state: 'detached' })
    assert.match(await page.getByLabel('Cardholder').inputValue(), /^ich_/)
    await page.getByRole('button', { name: 'Add an amount' }).click()
    await page.getByLabel('At most').fill('300')
    await page.getByRole('button', { name: 'Issue a card' }).click()
    await page.getByText(/300\.00 a month/).waitFor()
    await page.getByRole('button', { name: 'Edit limits' }).click()
    await page.getByRole('dialog').getByLabel('At most').fill('250')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page
      .getByText(/250\.00 a month/)
      .first()
      .waitFor()
    const [card] = await product.api.list('/v1/cards')
    const asked = `card=${card?.['vendor_id']}&amount=700`
    await stripe('POST', '/v1/test_helpers/issuing/authorizations', asked, vendor)
    const authorization = await eventually(async () => {
      const [one] = await product.api.list('/v1/cards/authorizations')
      const whole = one && (await product.api.ok('GET', `/v1/cards/authorizations/${one['id']}`))
      return (whole?.['decisions'] as Json[] | undefined)?.length === 1 && whole
    })
    await page.goto(`/cards/authorizations/${authorization['id']}`)
    // A machine that is too busy answers as the source says.
    const [decision] = authorization['decisions'] as Json[]
    if (decision?.['reason'] === 'rule') {
      await page.getByText('A rule of yours decided.').waitFor()
      await page.getByRole('link', { name: 'Small things only' }).waitFor()
    } else await page.getByText('There was no decision in time').waitFor()
    await page.getByText('Declined', { exact: true }).first().waitFor()
    await looked(window)
  })

  test('a payment whose end nobody saw is settled by who looked at the provider, with a note', async () => {
    const dead = createServer((request) => request.socket.destroy())
    await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve))
    undoAfter(async () => void dead.close())
    const money = { amount: '4200', currency: 'BRL' }
    const { id: connection_id } = await product.api.ok('POST', '/v1/connections', {
      ...{ provider: 'stripe', name: 'Stripe that hangs up', environment: 'development' },
      settings: { base_url: `http://127.0.0.1:${(dead.address() as AddressInfo).port}` },
      credentials: { secret_key: 'sk_test_dead' },
    })
    const payment = await product.api.ok('POST', '/v1/payments', { connection_id, money })
    assert.equal(payment['status'], 'processing')
    const window = await at(`/payments/${payment['id']}`)
    const { page } = window
    const { app } = product
    const { clock } = app
    Object.assign(app, { clock: { ...clock, now: () => new Date(clock.now().getTime() + 3_600_000) } })
    await page.getByRole('button', { name: 'Say what became of it' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Say what became of it' }).click()
    await dialog.getByText('Is required').first().waitFor()
    await dialog.getByLabel('There is no payment').check()
    await dialog.getByLabel('Note').fill('Its dashboard does not show it')
    await dialog.getByRole('button', { name: 'Say what became of it' }).click()
    await dialog.waitFor({ state: 'detached' })
    Object.assign(app, { clock })
    await page.getByText('Its dashboard does not show it').waitFor()
    const told = await product.api.ok('GET', `/v1/payments/${payment['id']}`)
    assert.equal(told['status'], 'failed')
    await looked(window)
  })

  test('a dispute says until when it can be answered, and is answered once', async () => {
    const vendor = { url: `${product.sandbox.url}/stripe` }
    await listen(product, vendor)
    const money = { amount: '9900', currency: 'BRL' }
    const payment = await product.api.ok('POST', '/v1/payments', { connection_id: connection, money })
    const confirm = `/v1/payment_intents/${payment['vendor_id']}/confirm`
    await stripe('POST', confirm, 'payment_method=pm_card_createDispute', vendor)
    const dispute = await eventually(async () => (await product.api.list('/v1/disputes'))[0])
    const window = await at(`/payments/${payment['id']}`)
    const { page } = window
    const disputes = page.getByRole('region', { name: 'Disputes' })
    await disputes.getByText(/^in \d+ days$|^tomorrow$/).waitFor()
    await disputes.getByRole('button', { name: 'Answer' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('What speaks for you').fill('It was delivered, and the payer signed for it.')
    await dialog.getByRole('button', { name: 'Add a detail' }).click()
    await dialog.getByLabel('Name of the detail').fill('shipping_tracking_number')
    await dialog.getByLabel('The detail', { exact: true }).fill('BR123456789')
    await dialog.getByRole('button', { name: 'Send the answer' }).click()
    await page.getByText('The answer was sent.').waitFor()
    await disputes.getByText('Answered').waitFor()
    await disputes.getByRole('button', { name: 'Answer' }).waitFor({ state: 'detached' })
    const told = await product.api.ok('GET', `/v1/disputes/${dispute['id']}`)
    assert.equal(told['has_evidence'], true)
    await looked(window)
  })

  test('a bank is found in the directory, made with its connection, and read when one says', async () => {
    const bank = await startBank({ name: 'Banco Azul', redirect_uri: `${product.url}/oauth/callback` })
    undoAfter(bank.stop)
    await publishDirectory(product, bank)
    const window = await at('/banks/new')
    const { page } = window
    await page.getByLabel('Find the bank in Open Finance').fill('azul')
    await page.getByRole('button', { name: /Banco Azul/ }).click()
    await page.getByText('Banco Azul is chosen').waitFor()
    assert.equal(await page.getByLabel('Code of the bank').inputValue(), bank.ispb)
    await page.getByRole('textbox', { name: 'Person', exact: true }).fill('ana')
    const { settings, credentials } = connectionTo(bank)
    const typed = { ...named('settings', settings), ...named('credentials', credentials) }
    for (const [path, text] of Object.entries(typed)) await page.locator(`[data-path="${path}"]`).fill(text)
    await page.getByRole('button', { name: 'Connect the bank' }).click()
    await page.getByRole('heading', { level: 1, name: 'Banco Azul' }).waitFor()
    await page.getByRole('button', { name: 'Edit schedule' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Once a day').check()
    await dialog.getByLabel('At', { exact: true }).fill('06:30')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Every day at 06:30').waitFor()
    const [made] = await product.api.list('/v1/banks')
    assert.equal(made?.['schedule'], '30 6 * * *')
    await page.goto(`/connections/${made?.['connection_id']}`)
    await page.locator(`a[href="/banks/${made?.['id']}?tab=syncs"]`).click()
    await page.getByRole('tab', { name: 'Syncs', selected: true }).waitFor()
    await looked(window)
  })
})

const named = (part: string, values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${part}.${key}`, String(value)]))

/** The directory of Open Finance as it has this bank alone. */
async function publishDirectory({ app }: Product, { name, ispb, issuer, api }: Bank): Promise<void> {
  const server = {
    CustomerFriendlyName: name,
    OpenIDDiscoveryDocument: `${issuer}/.well-known/openid-configuration`,
    ApiResources: [
      {
        ApiFamilyType: 'accounts',
        ApiVersion: '2.4.2',
        ApiDiscoveryEndpoints: [{ ApiEndpoint: `${api}/accounts/v2/accounts` }],
      },
    ],
  }
  const whole = { OrganisationId: 'a5b1', Status: 'Active', OrganisationName: name }
  const list = [{ ...whole, RegistrationNumber: `${ispb}000191`, AuthorisationServers: [server] }]
  const directory = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(list))
  })
  await new Promise<void>((resolve) => directory.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => void directory.close())
  const { banking } = app.providers.get('open_finance') ?? {}
  assert(banking?.directory)
  const url = `http://127.0.0.1:${(directory.address() as AddressInfo).port}/participants`
  banking.directory.url = { live: url, test: url }
}
