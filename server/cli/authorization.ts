import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Client, inPath, openClient, type Remote, remote } from './client.ts'
import { EXIT, examples, failure, type Io, show } from './output.ts'

type Begun = { url: string; redirect_uri: string; expires_at: string }
type Authorization = {
  state: 'connected' | 'not_connected' | 'needs_reconnect'
  note: string | null
  scope: string | null
  authorized_at: string | null
}
type Options = Remote & { returnTo?: string; wait?: true }

const POLL_MS = 1000

/** `trilho connection authorize`: somebody's consent, from the command line. */
export function authorization(group: Command, io: Io): void {
  const authorize = remote(group.command('authorize <id>'))
    .description("Print the address of the vendor's page of consent, for whoever may agree")
    .option('--return-to <url>', 'where their browser goes afterwards')
    .option('--wait', 'until they agreed; ends with 1 where the address expires before')
    .action(async (id: string, options: Options) => {
      const client = openClient(options)
      const at = `/v1/connections/${inPath(id)}`
      const before = await client.get<Authorization>(`${at}/authorization`)
      const body = options.returnTo === undefined ? {} : { return_to: options.returnTo }
      const begun = await client.send<Begun>('POST', `${at}/authorize`, body)
      show(io, options, begun, ({ url }) => url)
      io.err(`It is good once, until ${begun.expires_at}. The vendor has to know ${begun.redirect_uri}.`)
      if (!options.wait) return
      const { scope } = await consent(client, at, before, begun)
      io.err(`${id} is connected${scope === null ? '' : `, with ${scope}`}`)
    })
  examples(authorize, 'connection authorize con_01jz8k3v9mf2tb7xq4c5n6p8rs --wait')
}

/** Asks until the consent is another one than `before`; a vendor that says no changes nothing we could see. */
async function consent(
  client: Client,
  at: string,
  before: Authorization,
  { expires_at }: Begun,
): Promise<Authorization> {
  while (Date.now() < Date.parse(expires_at)) {
    const now = await client.get<Authorization>(`${at}/authorization`)
    if (now.state === 'connected' && now.authorized_at !== before.authorized_at) return now
    await sleep(POLL_MS)
  }
  throw failure(EXIT.failed, 'Nobody agreed before the address expired. Run it again for another one.')
}
