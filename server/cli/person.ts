import type { RegisterCommand } from './cli.ts'
import {
  type Client,
  inPath,
  openClient,
  type Paged,
  paged,
  pageQuery,
  type Remote,
  remote,
} from './client.ts'
import { type Column, card, EXIT, examples, failure, type PageOf, show, showPage } from './output.ts'

type Person = {
  id: string
  email: string
  name: string
  state: string
  has_totp: boolean
  sessions: number
  seen_at: string | null
  memberships: { tenant: { id: string; name: string }; role: string; state: string }[]
}

const COLUMNS: Column<Person>[] = [
  ['ID', (person) => person.id],
  ['STATE', (person) => person.state],
  ['SECOND FACTOR', (person) => (person.has_totp ? 'on' : 'off')],
  ['SEEN', (person) => person.seen_at],
  ['E-MAIL', (person) => person.email],
  ['NAME', (person) => person.name],
  ['PLACES', (person) => placesOf(person)],
]

const placesOf = ({ memberships }: Person): string =>
  memberships
    .map(
      ({ tenant, role, state }) => `${tenant.name} (${state === 'suspended' ? `${role}, suspended` : role})`,
    )
    .join(', ')

/** What is done to one of them, by its path; each is told in the words of what follows. */
const ACTS = [
  ['sign-out', 'End every session of a person; whoever knows the password may come again'],
  ['reset-second-factor', 'End the second factor, its recovery codes and every session of a person'],
  ['suspend', 'Let nobody in as a person any more, in no tenant'],
  ['restore', 'Let a suspended person in again'],
] as const

export const person: RegisterCommand = (program, io) => {
  const group = program.command('person').description('The people of all tenants (admin key)')

  const list = paged(group.command('list'))
    .description('List who has signed up, newest first, with their places in every tenant')
    .option('--email <email>', 'only who has this e-mail')
    .action(async (options: Paged & { email?: string }) => {
      const query = { ...pageQuery(options), email: options.email }
      showPage(io, options, await openClient(options).get<PageOf<Person>>('/v1/people', query), COLUMNS)
    })
  examples(list, 'person list', 'person list --email ana@example.com --json')

  for (const [name, about] of ACTS) {
    const command = remote(group.command(`${name} <person>`))
      .description(`${about}. <person> is an id or an e-mail`)
      .action(async (whom: string, options: Remote) => {
        const client = openClient(options)
        const path = `/v1/people/${inPath(await idOf(client, whom))}/${name}`
        show(io, options, await client.send<Person>('POST', path), (done) =>
          card(io, { ...done, memberships: placesOf(done) }),
        )
      })
    examples(command, `person ${name} prs_01jz8k3v9mf2tb7xq4c5n6p8rs`, `person ${name} ana@example.com`)
  }
}

async function idOf(client: Client, whom: string): Promise<string> {
  if (!whom.includes('@')) return whom
  const { data } = await client.get<PageOf<Person>>('/v1/people', { email: whom })
  const [found] = data
  if (!found)
    throw failure(EXIT.refused, `Nobody has signed up as ${whom} (not_found)`, { code: 'not_found' })
  return found.id
}
