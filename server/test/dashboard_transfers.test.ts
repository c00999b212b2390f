import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { withoutBrowser } from './browser.ts'
import { type Dashboard, looked, startDashboard } from './dashboard.ts'
import type { Json } from './product.ts'
import { type Transferring, transferringBy } from './transferring.ts'

// Money that leaves an account, asked for, let go and settled in the dashboard, before the real server and its sandbox.

describe('transfers in the dashboard', { skip: withoutBrowser, timeout: 1_100_000 }, () => {
  let bank: Transferring
  let at: Dashboard['at']

  before(async () => {
    const dashboard = await startDashboard()
    at = dashboard.at
    bank = await transferringBy(dashboard.product)
  })

  const policy = (approve_above: string | null) =>
    bank.product.api.ok('PUT', '/v1/transfers/policy', { approve_above })

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

  async function fillIn(page: Page, amount: string, key: string): Promise<void> {
    await page.getByLabel('Amount').fill(amount)
    await page.getByRole('textbox', { name: 'Pix key' }).fill(key)
    await press(page, 'Go on')
  }

  test('a Pix is asked for in a form, shown before it is sent, sent once, and watched until it is made', async () => {
    const window = await at('/transfers')
    const { page } = window
    await page.getByText('No transfers yet').waitFor()
    await page.getByRole('link', { name: 'New transfer' }).first().click()
    await press(page, 'Go on')
    await page.getByText('Is required').first().waitFor()
    await fillIn(page, '1150.50', 'ana@example.com')
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/R\$\s?1,150\.50 leave the account by Pix, to ana@example\.com/).waitFor()
    await press(page, 'Send it')
    await page.waitForURL('**/transfers/trf_*')
    const id = new URL(page.url()).pathname.replace('/transfers/', '')
    await bank.until(id, 'completed')
    await page.getByText('Completed', { exact: true }).first().waitFor()
    await page.getByRole('link', { name: 'transfers.create' }).waitFor()
    assert.equal((await bank.atBank({ id })).length, 1)
    await page.getByRole('link', { name: 'Story' }).click()
    await page.getByText('transfer.completed', { exact: true }).waitFor()
    await page.locator(`a[href="/transfers/${id}"]`).first().click()
    await page.getByText('Where it goes').waitFor()
    await page.goto('/transfers?method=ted')
    await page.getByText('Nothing matches these filters.').waitFor()
    await page.keyboard.press('/')
    await page.getByRole('textbox', { name: /^Any id/ }).fill(id)
    await page.getByRole('button', { name: new RegExp(`Transfer.*${id}`) }).click()
    await page.getByRole('heading', { name: /^R\$\s?1,150\.50$/ }).waitFor()
    await page.goto('/transfers?method=pix&status=completed')
    await page.getByRole('link', { name: /1,150\.50/ }).click()
    await page.getByText('ana@example.com').waitFor()
    await looked(window)
  })

  test('what is above the limit is let go or turned away by somebody else, who sees where it goes', async () => {
    const window = await at('/transfers')
    const { page } = window
    await press(page, 'Change')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Those above an amount wait').check()
    await dialog.getByRole('textbox', { name: 'Those above an amount wait' }).fill('1000')
    await dialog.getByRole('textbox', { name: 'Days that it waits' }).fill('3')
    await dialog.getByRole('button', { name: 'Change' }).click()
    await page.getByText(/Above R\$\s?1,000\.00, a transfer waits/).waitFor()
    const more = { money: { amount: '200000', currency: 'BRL' } }
    const [kept, refused] = [await bank.make(more), await bank.make(more)]
    await page.goto(`/transfers/${kept.id}`)
    await page.getByText(/Until .+; then it is given up\./).waitFor()
    await press(page, 'Approve')
    await dialog.getByText(/R\$\s?2,000\.00 leave the account by Pix, to \+5511987654321/).waitFor()
    assert.deepEqual(await bank.atBank(kept), [])
    await dialog.getByRole('button', { name: 'Approve' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('Decided by').waitFor()
    assert.equal((await bank.atBank(kept)).length, 1)
    await page.goto(`/transfers/${refused.id}`)
    await press(page, 'Reject')
    await dialog.getByLabel('Note').fill('The invoice is not ours')
    await dialog.getByRole('button', { name: 'Reject' }).click()
    await page.getByText('The invoice is not ours').waitFor()
    await page.getByText('Canceled', { exact: true }).first().waitFor()
    assert.deepEqual(await bank.atBank(refused), [])
    await looked(window)
  })

  test('nobody approves what they asked for themselves, but may give it up', async () => {
    await policy('0')
    const window = await at('/transfers/new')
    const { page } = window
    await fillIn(page, '10', 'ana@example.com')
    await page.getByText('It waits for a second person first.').waitFor()
    await press(page, 'Ask for it')
    await page.getByText(/^You asked for it, so somebody else/).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0)
    await press(page, 'Cancel transfer')
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel transfer' }).click()
    await page.getByText('Canceled', { exact: true }).first().waitFor()
    await looked(window)
  })

  test('what the API refuses is said at its field', async () => {
    await policy(null)
    const { page, close } = await at('/transfers/new')
    await fillIn(page, '10', 'nobody')
    await press(page, 'Send it')
    await page.locator('[data-path="destination.pix_key"][aria-invalid="true"]').waitFor()
    await close()
  })

  test('one whose end nobody can tell is settled by who looked at the bank, with a note', async () => {
    await policy(null)
    bank.front.say(/pagamentos-lote/, () => ({ status: 503, body: {} }))
    const { id } = await bank.make()
    const window = await at(`/transfers/${id}`)
    const { page } = window
    await bank.later(1, async () => {
      await press(page, 'Say what became of it')
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('No money left the account').check()
      await dialog.getByLabel('Note').fill('The statement of the day does not show it')
      await dialog.getByRole('button', { name: 'Say what became of it' }).click()
      await dialog.waitFor({ state: 'detached' })
    })
    await page.getByText('Failed', { exact: true }).first().waitFor()
    const { failure } = (await bank.read(id)) as Json & { failure: Json }
    assert.equal(failure['message'], 'The statement of the day does not show it')
    await looked(window)
  })
})
