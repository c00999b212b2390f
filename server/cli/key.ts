import type { ApiKey, NewKey, NewKeyShown } from '../modules/tenants/tenants.ts'
import type { RegisterCommand } from './cli.ts'
import {
  type Client,
  clientSettings,
  inPath,
  openClient,
  type Paged,
  paged,
  pageQuery,
  type Remote,
  remote,
} from './client.ts'
import { type Column, card, collect, examples, type PageOf, show, showPage } from './output.ts'

type Create = Remote & { admin?: true; live?: true; scope?: string[]; expires?: string }

const COLUMNS: Column<ApiKey>[] = [
  ['ID', (key) => key.id],
  ['KEY', (key) => key.hint],
  ['ENVIRONMENT', (key) => key.environment],
  ['STATE', (key) => stateOf(key)],
  ['SCOPES', (key) => key.scopes.join(', ')],
  ['NAME', (key) => key.name],
]

/**
 * With a key these commands ask the server; without one they work on the database itself, so that who holds the
 * machine can replace a lost admin key.
 */
export const key: RegisterCommand = (program, io) => {
  const group = program
    .command('key')
    .summary('API keys')
    .description('API keys. Where no key is given they are made and read in the database of this machine')

  const create = remote(group.command('create [name]'))
    .description('Make a key. It is shown this once')
    .option('--admin', 'a key of the installation, which administers all tenants')
    .option('--live', 'a live key; else a test key, which meets no live credentials')
    .option('--scope <scope>', 'what it may do, such as calls:write; default everything; repeatable', collect)
    .option('--expires <time>', 'RFC 3339, such as 2027-01-31T00:00:00Z')
    .action(async (name: string | undefined, options: Create) => {
      const input = toNewKey(name, options)
      const made = await onServer(options, options.admin).then((client) =>
        client
          ? client.send<NewKeyShown>('POST', '/v1/keys', input)
          : import('./local_keys.ts').then((local) => local.create(input, options)),
      )
      io.err('The key is shown this once; keep it now.')
      show(io, options, made, (shown) => card(io, shown))
    })
  examples(
    create,
    'key create --admin',
    'key create "Order service" --live --scope events:write --scope calls:write',
    'key create --tenant tnt_01jz8k3v9mf2tb7xq4c5n6p8rs --json | jq -r .key',
  )

  const list = paged(group.command('list'))
    .description('List keys, newest first')
    .option('--admin', 'the keys of the installation')
    .action(async (options: Paged & { admin?: true }) => {
      const client = await onServer(options, options.admin)
      const page = client
        ? await client.get<PageOf<ApiKey>>('/v1/keys', pageQuery(options))
        : await (await import('./local_keys.ts')).list(options)
      showPage(io, options, page, COLUMNS)
    })
  examples(list, 'key list', 'key list --admin')

  const revoke = remote(group.command('revoke <id>'))
    .description('Revoke a key; every server refuses it within a second')
    .option('--admin', 'a key of the installation')
    .action(async (id: string, options: Remote & { admin?: true }) => {
      const client = await onServer(options, options.admin)
      const revoked = client
        ? await client.send<ApiKey>('DELETE', `/v1/keys/${inPath(id)}`)
        : await (await import('./local_keys.ts')).revoke(id, options)
      show(io, options, revoked, () => `${id} is revoked`)
    })
  examples(revoke, 'key revoke key_01jz8k3v9mf2tb7xq4c5n6p8rs')
}

/** The tenant that is the installation, as its id is written. */
const INSTALLATION_ID = `tnt_${'0'.repeat(26)}`

async function onServer(options: Remote, admin: true | undefined): Promise<Client | null> {
  const asked = admin ? { ...options, tenant: INSTALLATION_ID } : options
  return clientSettings(asked).api_key === undefined ? null : openClient(asked)
}

function toNewKey(name: string | undefined, { admin, live, scope, expires }: Create): NewKey {
  const usual = admin ? 'admin' : '*'
  return {
    name: name ?? (admin ? 'Administrator' : 'Made by trilho key create'),
    environment: live || admin ? 'live' : 'test',
    scopes: scope ?? [usual],
    ...(expires !== undefined && { expires_at: expires }),
  }
}

const stateOf = ({ revoked_at, expires_at }: ApiKey): string => {
  if (revoked_at !== null) return 'revoked'
  return expires_at !== null && new Date(expires_at) <= new Date() ? 'expired' : 'valid'
}
