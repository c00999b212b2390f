import type { Directory, Participant } from '../../kit/banking.ts'
import { readText, translated } from '../../kit/reads.ts'
import { once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { USER_AGENT } from '../../platform/version.ts'
import type { Actor, App } from '../app.ts'

/** Who may be asked by the providers that publish a list of them, such as the directory of Open Finance Brasil. */

const KEPT_MS = 3_600_000
const TIMEOUT_MS = 30_000
const MOST_BYTES = 60_000_000
const MOST_FOUND = 100

type Kept = { as_of: Date; participants: Participant[] }

/** By address; those who ask while it is read wait for one reading. */
const lists = once((_app: App) => new Map<string, { at_ms: number; reading: Promise<Kept> }>())

export async function findParticipants(
  app: App,
  actor: Actor,
  { query = '' }: { query?: string | undefined },
) {
  const directories = [...app.providers.values()].flatMap(({ id, banking }) =>
    banking?.directory ? [{ provider: id, directory: banking.directory }] : [],
  )
  const read = await Promise.all(
    directories.map(async ({ provider, directory }) => ({
      provider,
      ...(await listOf(app, actor, directory)),
    })),
  )
  const data = read.flatMap(({ provider, participants }) =>
    participants.filter((one) => fits(one, query)).map((one) => ({ provider, ...one })),
  )
  const as_of = read.map((one) => one.as_of).sort((a, b) => a.getTime() - b.getTime())[0] ?? app.clock.now()
  return { data: data.slice(0, MOST_FOUND), as_of: as_of.toISOString() }
}

function listOf(app: App, { environment }: Actor, directory: Directory): Promise<Kept> {
  const url = directory.url[environment]
  const known = lists(app).get(url)
  if (known && known.at_ms + KEPT_MS > app.clock.monotonic()) return known.reading
  const reading = readList(app, url, directory)
  lists(app).set(url, { at_ms: app.clock.monotonic(), reading })
  reading.catch(() => {
    // What was known before serves until it can be read again; nothing is kept of a failure.
    if (lists(app).get(url)?.reading !== reading) return
    if (known) lists(app).set(url, known)
    else lists(app).delete(url)
  })
  return known ? reading.catch(() => known.reading) : reading
}

async function readList(app: App, url: string, directory: Directory): Promise<Kept> {
  const result = await app.egress.send({
    url,
    method: 'GET',
    headers: { accept: 'application/json', 'user-agent': USER_AGENT },
    timeout_ms: TIMEOUT_MS,
    max_response_bytes: MOST_BYTES,
  })
  if (result.kind === 'error') throw failed(result.message)
  if (result.status !== 200) throw failed(`it answered ${result.status}`)
  const list = readText(directory.reads, result.body.toString())
  if (!list.ok) throw failed('it is not what its documentation says')
  const meaning = translated(() => directory.translate(list.value as never))
  if (!meaning.ok) throw failed(meaning.problem)
  return { as_of: app.clock.now(), participants: meaning.value }
}

const failed = (why: string) =>
  new Problem('vendor_failed', { detail: `the list of participants could not be read: ${why}` })

/** Part of a name, whatever its accents and case; the beginning of an ISPB or CNPJ. */
function fits({ name, organisation, bank_code, cnpj }: Participant, query: string): boolean {
  const wanted = plain(query)
  if (wanted === '') return true
  const digits = query.replace(/[./-]/g, '')
  if (/^[0-9]+$/.test(digits)) return Boolean(bank_code?.startsWith(digits) || cnpj?.startsWith(digits))
  return plain(name).includes(wanted) || plain(organisation ?? '').includes(wanted)
}

const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').trim().toLowerCase()
