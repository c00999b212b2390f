import type { Command } from 'commander'
import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Remote, remote } from './client.ts'
import { type Column, card, examples, type Io, type PageOf, readJsonText, show, showPage } from './output.ts'

type Listed = { name: string; from: string; state: string; description: string | null }
type Stored = Record<string, unknown> & { name: string; version: number }

const COLUMNS: Column<Listed>[] = [
  ['NAME', ({ name }) => name],
  ['FROM', ({ from }) => from],
  ['STATE', ({ state }) => state],
  ['DESCRIPTION', ({ description }) => description],
]

export const operation: RegisterCommand = (program, io) => {
  const group = program.command('operation').description('Requests with a name, stored on a connection')
  looking(group, io)
  changing(group, io)
}

const at = (connection: string, name?: string): string =>
  `/v1/connections/${inPath(connection)}/operations${name === undefined ? '' : `/${inPath(name)}`}`

function looking(group: Command, io: Io): void {
  const list = remote(group.command('list <connection>'))
    .description("What a connection can be asked by name: the provider's operations and yours")
    .action(async (connection: string, options: Remote) => {
      const found = await openClient(options).get<PageOf<Listed>>(at(connection))
      showPage(io, options, found, COLUMNS)
    })
  examples(list, 'operation list con_01jz8k3v9mf2tb7xq4c5n6p8rs')

  const read = remote(group.command('show <connection> <name>').alias('get'))
    .description('Show a stored operation')
    .action(async (connection: string, name: string, options: Remote) => {
      const found = await openClient(options).get<Stored>(at(connection, name))
      show(io, options, found, (shown) => card(io, shown))
    })
  examples(read, 'operation show con_01jz8k3v9mf2tb7xq4c5n6p8rs members.add')
}

function changing(group: Command, io: Io): void {
  const set = remote(group.command('set <connection> <name>'))
    .description('Store an operation, or replace the one of that name as a whole')
    .requiredOption('--data <json>', 'method, path and the rest: JSON, @file, or - for standard input')
    .action(async (connection: string, name: string, options: Remote & { data: string }) => {
      const text = await readJsonText(io, options.data, '--data')
      const client = openClient(options)
      const { data } = await client.get<PageOf<Listed>>(at(connection))
      const is_there = data.some((listed) => listed.from === 'stored' && listed.name === name)
      const made = is_there
        ? await client.text('PUT', at(connection, name), text)
        : await client.text('POST', at(connection), named(name, text))
      show(io, options, JSON.parse(made) as Stored, (shown) => card(io, shown))
    })
  examples(
    set,
    `operation set con_01jz8k3v9mf2tb7xq4c5n6p8rs members.list --data '{"method":"GET","path":"/lists/{list_id}/members"}'`,
    'operation set con_01jz8k3v9mf2tb7xq4c5n6p8rs members.add --data @members.add.json',
  )

  const drop = remote(group.command('delete <connection> <name>'))
    .description('Delete a stored operation')
    .action(async (connection: string, name: string, options: Remote) => {
      await openClient(options).send('DELETE', at(connection, name))
      show(io, options, { name, deleted: true }, () => `${name} is deleted`)
    })
  examples(drop, 'operation delete con_01jz8k3v9mf2tb7xq4c5n6p8rs members.add')
}

/** The name goes into the text itself, so that no number in it is written anew. */
function named(name: string, text: string): string {
  const rest = text.trim().replace(/^\{\s*/, '')
  return `{"name":${JSON.stringify(name)}${rest === '}' ? '' : ','}${rest}`
}
