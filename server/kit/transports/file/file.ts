import Type, { type Static, type TSchema } from 'typebox'
import type { Egress, EgressRequest, EgressResult, Server } from '../../../platform/egress/egress.ts'
import type { FieldError } from '../../../platform/errors.ts'
import type { Settings } from '../../fields.ts'
import { inWords, read as readAs } from '../../reads.ts'
import { parseReply } from '../../replies.ts'
import { conduct, refused } from '../conduct.ts'
import type { Opened } from '../http.ts'
import { httpServer, type Transport } from '../transport.ts'
import { type Entry, isFolder, nothingAt, type Opening, partsOf, type Store } from './store.ts'

/**
 * Files in a folder of this machine, on an SFTP server or in a bucket, as one small set of requests with JSON in and
 * out: `GET …/list?path=&after=&limit=`, `GET …/stat?path=`, `GET …/read?path=&encoding=&offset=&length=`,
 * `PUT …/write?path=&replace=` with `{ content, encoding }`, `POST …/move` with `{ from, to, replace }` and
 * `DELETE …/delete?path=`.
 */
export const file: Transport = { send, servers }

function servers(opened: Opened): Server[] {
  const { settings } = opened
  const url = new URL(String(settings['base_url']))
  if (url.protocol === 'sftp:') return [{ host: url.hostname, port: Number(url.port || 22), tls: null }]
  if (url.protocol !== 's3:') return []
  const endpoint = new URL(String(settings['endpoint']))
  if (settings['addressing'] === 'virtual') endpoint.hostname = `${url.hostname}.${endpoint.hostname}`
  return [httpServer(endpoint.href, opened)]
}

export const MOST_READ_BYTES = 5_000_000

const STORES: Record<string, () => Promise<(opening: Opening) => Promise<Store>>> = {
  'file:': async () => (await import('./local.ts')).openLocal,
  'sftp:': async () => (await import('./sftp.ts')).openSftp,
  's3:': async () => (await import('./s3.ts')).openBucket,
}

const SCHEMES: Record<string, string> = { local: 'file:///', sftp: 'sftp://', s3: 's3://' }

/** What is wrong with settings of which each by itself is right. */
export function fileFaults({ place, base_url }: Settings): FieldError[] {
  const scheme = SCHEMES[String(place)] ?? ''
  if (!String(base_url).startsWith(scheme))
    return [{ field: 'settings.base_url', reason: `must begin with ${scheme} where place is ${place}` }]
  return /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i.test(String(base_url))
    ? [{ field: 'settings.base_url', reason: 'must not hold dot segments' }]
    : []
}

function send(egress: Egress, opened: Opened, request: EgressRequest): Promise<EgressResult> {
  return conduct(request, async (way) => {
    const url = new URL(request.url)
    const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
    const asked = readAsked(name, url, request)
    url.pathname = url.pathname.slice(0, -name.length - 1)
    url.search = ''
    const open = await STORES[url.protocol]?.()
    if (!open) throw refused(400, 'bad_address', 'the base URL begins with file:, sftp: or s3:')
    const store = await open({ egress, opened, url, way })
    try {
      return await Promise.race([asked(store), ...(store.lost ? [store.lost] : [])])
    } finally {
      store.close()
    }
  })
}

type Asked = (store: Store) => Promise<unknown>

/** Checked before anything is opened. */
function readAsked(name: string, { searchParams }: URL, { method, body }: EgressRequest): Asked {
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (!verb) throw refused(404, 'unknown', `there is no ${name}; there are ${Object.keys(VERBS).join(', ')}`)
  if (method !== verb.method) throw refused(405, 'wrong_method', `${name} is asked by ${verb.method}`)
  const content = body === undefined ? {} : parseReply(Buffer.from(body))
  if (typeof content !== 'object' || content === null)
    throw refused(400, 'bad_request', 'the body is no object')
  const given = {
    ...content,
    ...Object.fromEntries([...searchParams].map(([key, text]) => [key, typed(key, text)])),
  }
  const fits = readAs(verb.takes, given)
  if (!fits.ok) throw refused(400, 'bad_request', inWords(fits.errors))
  return verb.run(fits.value)
}

/** What stands in a query is text. */
function typed(key: string, text: string): unknown {
  if (key === 'replace') return text === 'true' ? true : text === 'false' ? false : text
  return ['limit', 'offset', 'length'].includes(key) && /^\d{1,15}$/.test(text) ? Number(text) : text
}

const Path = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'Below the root, with / between its parts',
})
const Encoding = Type.Union([Type.Literal('text'), Type.Literal('base64')], {
  description: 'text is UTF-8; text where absent',
})
const Replace = Type.Boolean({ description: 'Write over a file that is there already; false where absent' })

export const ListFiles = Type.Object(
  {
    path: Type.Optional(Type.String({ maxLength: 1000, description: 'A folder; the root where absent' })),
    after: Type.Optional(Type.String({ maxLength: 1000, description: '`next` of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: '1,000 where absent' })),
  },
  { additionalProperties: false },
)
export const OneFile = Type.Object({ path: Path }, { additionalProperties: false })
export const ReadFile = Type.Object(
  {
    path: Path,
    encoding: Type.Optional(Encoding),
    offset: Type.Optional(Type.Integer({ minimum: 0, description: 'In bytes; 0 where absent' })),
    length: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MOST_READ_BYTES, description: 'In bytes; 5,000,000 where absent' }),
    ),
  },
  { additionalProperties: false },
)
export const WriteFile = Type.Object(
  { path: Path, content: Type.String(), encoding: Type.Optional(Encoding), replace: Type.Optional(Replace) },
  { additionalProperties: false },
)
export const MoveFile = Type.Object(
  { from: Path, to: Path, replace: Type.Optional(Replace) },
  { additionalProperties: false },
)

type Verb = { method: string; takes: TSchema; run(given: unknown): Asked }

const verb = <S extends TSchema>(
  method: string,
  takes: S,
  run: (given: Static<S>, store: Store) => Promise<unknown>,
): Verb => ({ method, takes, run: (given) => (store) => run(given as Static<S>, store) })

const plain = (path: string): string => partsOf(path).join('/')

const VERBS: Record<string, Verb> = {
  list: verb('GET', ListFiles, ({ path = '', after, limit = 1000 }, store) =>
    store.list(plain(path), { after: after ?? null, limit }),
  ),
  stat: verb('GET', OneFile, ({ path }, store) => statOf(store, plain(path))),
  read: verb('GET', ReadFile, (given, store) => readFrom(store, given)),
  write: verb('PUT', WriteFile, async ({ path, content, encoding, replace = false }, store) => {
    const bytes = bytesOf(content, encoding)
    await store.write(fileName(path), bytes, replace)
    return { path: plain(path), size: bytes.length }
  }),
  move: verb('POST', MoveFile, async ({ from, to, replace = false }, store) => {
    await store.move(fileName(from), fileName(to), replace)
    return { path: plain(to) }
  }),
  delete: verb('DELETE', OneFile, async ({ path }, store) => ({
    path: plain(path),
    deleted: await store.remove(fileName(path)),
  })),
}

function fileName(path: string): string {
  const name = plain(path)
  if (name === '' || path.endsWith('/')) throw refused(400, 'bad_path', `${path} names no file`)
  return name
}

async function statOf(store: Store, path: string): Promise<Entry> {
  const entry = await store.stat(path)
  if (entry === null) throw nothingAt(path)
  return entry
}

function bytesOf(content: string, encoding: Static<typeof Encoding> = 'text'): Buffer {
  if (encoding === 'text') return Buffer.from(content)
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(content))
    throw refused(400, 'bad_content', 'content is no base64')
  return Buffer.from(content, 'base64')
}

async function readFrom(store: Store, given: Static<typeof ReadFile>) {
  const { encoding = 'text', offset = 0, length = MOST_READ_BYTES } = given
  const path = plain(given.path)
  if (path === '') throw isFolder('/')
  const { bytes, size } = await store.read(path, { offset, length })
  const ends = offset + bytes.length >= size
  const { content, taken } =
    encoding === 'base64'
      ? { content: bytes.toString('base64'), taken: bytes.length }
      : textOf(path, bytes, ends)
  const next_offset = offset + taken < size && taken > 0 ? offset + taken : null
  return { path, size, encoding, content, next_offset }
}

/** A letter that is cut in two belongs to the next part. */
function textOf(path: string, bytes: Buffer, ends: boolean): { content: string; taken: number } {
  try {
    const content = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: !ends,
    })
    return { content, taken: Buffer.byteLength(content) }
  } catch {
    throw refused(422, 'no_text', `${path} is no UTF-8 text; read it with encoding base64`)
  }
}
