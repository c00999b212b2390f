import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { providers } from '../../providers/index.ts'
import { startBank } from '../../sandbox/bank/bank.ts'
import { connectionTo } from '../bank_customer.ts'
import { undoAfter } from '../harness.ts'
import { type Citizen, ok, type Send } from './world.ts'

/** A person's bank of Open Finance, and a consent there that nobody has decided on yet. */
export async function askConsent(send: Send, { tenant, connection, test_key: key }: Citizen): Promise<void> {
  const { redirect_uri } = await ok(send('GET', `/v1/connections/${connection}/authorization`, { key }))
  const bank = await startBank({ redirect_uri: String(redirect_uri) })
  undoAfter(() => bank.stop())
  await standInForDirectory()
  const json = {
    user_id: `user-of-${tenant}`,
    name: bank.name,
    bank_code: bank.ispb,
    provider: 'open_finance',
    schedule: null,
    ...connectionTo(bank),
  }
  const { id } = await ok(send('POST', '/v1/banks', { key, json }))
  await ok(send('POST', `/v1/banks/${id}/consents`, { key, json: { document: '52998224725' } }))
}

/** No test asks the directory itself, which is on the internet: this one knows nobody. */
async function standInForDirectory(): Promise<void> {
  const directory = providers.get('open_finance')?.banking?.directory
  if (!directory) throw new Error('open_finance has no directory')
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('[]')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undoAfter(async () => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/participants`
  directory.url = { live: url, test: url }
}
