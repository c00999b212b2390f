import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Remote, remote } from './client.ts'
import { type Column, card, examples, type PageOf, show, showPage, table } from './output.ts'

type Field = {
  key: string
  label: string
  hint?: string
  secret?: boolean
  required?: boolean
  when?: Record<string, string | string[]>
}
type Provider = {
  id: string
  name: string
  category: string
  docs: string
  fields: Field[]
  operations: { operation: string }[]
  webhooks: { fields: Field[] } | null
}

const COLUMNS: Column<Provider>[] = [
  ['ID', ({ id }) => id],
  ['CATEGORY', ({ category }) => category],
  ['OPERATIONS', ({ operations }) => operations.length],
  ['WEBHOOKS', ({ webhooks }) => (webhooks === null ? 'no' : 'yes')],
  ['NAME', ({ name }) => name],
]

const FIELDS: Column<Field>[] = [
  ['FIELD', ({ key }) => key],
  ['FLAG', ({ secret }) => (secret ? '--credential' : '--setting')],
  ['REQUIRED', ({ required }) => (required ? 'yes' : null)],
  ['WHAT', ({ label, hint }) => (hint === undefined ? label : `${label}: ${hint}`)],
  ['WHERE', ({ when }) => (when === undefined ? null : conditions(when))],
]

export const provider: RegisterCommand = (program, io) => {
  const group = program
    .command('provider')
    .description('Whom this server can connect to, and what they ask for')

  const list = remote(group.command('list'))
    .description('List providers')
    .action(async (options: Remote) => {
      showPage(io, options, await openClient(options).get<PageOf<Provider>>('/v1/providers'), COLUMNS)
    })
  examples(list, 'provider list')

  const read = remote(group.command('show <id>').alias('get'))
    .description('What a connection and a source of a provider ask for, and what can be asked of it')
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<Provider>(`/v1/providers/${inPath(id)}`)
      show(io, options, found, ({ name, docs, fields, operations, webhooks }) => {
        const head = {
          name,
          docs,
          operations: operations.map(({ operation }) => operation).join(', ') || null,
        }
        return [
          card(io, head),
          ...(fields.length > 0 ? ['', 'A connection:', table(io, fields, FIELDS)] : []),
          ...(webhooks && webhooks.fields.length > 0
            ? ['', 'A source:', table(io, webhooks.fields, FIELDS)]
            : []),
        ].join('\n')
      })
    })
  examples(read, 'provider show stripe', 'provider show http --json | jq .fields')
}

const conditions = (when: Record<string, string | string[]>): string =>
  Object.entries(when)
    .map(([key, value]) => `${key}=${[value].flat().join('|')}`)
    .join(', ')
