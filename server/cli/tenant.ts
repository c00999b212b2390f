import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Paged, paged, pageQuery, type Remote, remote } from './client.ts'
import { type Column, card, examples, type PageOf, show, showPage } from './output.ts'

type Tenant = { id: string; name: string; time_zone: string; created_at: string }

const COLUMNS: Column<Tenant>[] = [
  ['ID', (tenant) => tenant.id],
  ['TIME ZONE', (tenant) => tenant.time_zone],
  ['CREATED', (tenant) => tenant.created_at],
  ['NAME', (tenant) => tenant.name],
]

export const tenant: RegisterCommand = (program, io) => {
  const group = program.command('tenant').description('The companies whose data is kept here (admin key)')

  const create = remote(group.command('create <name>'))
    .description('Create a tenant')
    .option('--time-zone <name>', 'IANA name; schedules are read in it (default America/Sao_Paulo)')
    .action(async (name: string, options: Remote & { timeZone?: string }) => {
      const body = { name, ...(options.timeZone !== undefined && { time_zone: options.timeZone }) }
      show(io, options, await openClient(options).send<Tenant>('POST', '/v1/tenants', body), (made) =>
        card(io, made),
      )
    })
  examples(
    create,
    'tenant create "Padaria Central"',
    'tenant create "Loja do Porto" --time-zone America/Manaus',
  )

  const list = paged(group.command('list'))
    .description('List tenants, newest first')
    .action(async (options: Paged) =>
      showPage(
        io,
        options,
        await openClient(options).get<PageOf<Tenant>>('/v1/tenants', pageQuery(options)),
        COLUMNS,
      ),
    )
  examples(list, 'tenant list', 'tenant list --json')

  const read = remote(group.command('show <id>').alias('get'))
    .description('Show a tenant')
    .action(async (id: string, options: Remote) =>
      show(io, options, await openClient(options).get<Tenant>(`/v1/tenants/${inPath(id)}`), (found) =>
        card(io, found),
      ),
    )
  examples(read, 'tenant show tnt_01jz8k3v9mf2tb7xq4c5n6p8rs')
}
