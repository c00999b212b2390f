import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { BSON, type Document } from 'mongodb'

/**
 * A small MongoDB: its wire protocol, its log-in by SCRAM-SHA-256, and of its commands what a test needs, over
 * collections in memory that are found by equality. Written from the MongoDB wire protocol and driver specifications.
 */
export type Mongo = {
  port: number
  /** By name. */
  collections: Map<string, Document[]>
  /** The commands that came in after the log-in, in order. */
  asked: Document[]
  sockets: Set<Socket>
  stop(): Promise<void>
}

export const MONGO_USER = { username: 'trilho', password: 'correct-horse' }

/** `primary`: another member, to which whoever wants to write is sent. `batch`: most documents in an answer. */
export async function startMongo(options: { primary?: string; batch?: number } = {}): Promise<Mongo> {
  const collections = new Map<string, Document[]>()
  const asked: Document[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket, talk({ collections, asked, batch: options.batch ?? 101, primary: options.primary }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, collections, asked, sockets, stop }
}

type Talk = (command: Document) => Document | null

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

/** Null from `answer`: no answer at all. */
function serve(socket: Socket, answer: Talk): void {
  let held = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes])
    while (held.length >= 16 && held.length >= held.readInt32LE(0)) {
      const message = held.subarray(0, held.readInt32LE(0))
      held = held.subarray(message.length)
      const operation = message.readInt32LE(12)
      const reply = answer(BSON.deserialize(documentOf(message, operation), { promoteLongs: false }))
      if (reply) socket.write(framed(operation, message.readInt32LE(4), reply))
    }
  })
}

/** OP_QUERY: flags, the namespace as a C string, skip and limit before it; OP_MSG: flags and the kind of its section. */
const documentOf = (message: Buffer, operation: number): Buffer =>
  message.subarray(operation === OP_QUERY ? message.indexOf(0, 20) + 9 : 21)

function framed(operation: number, request_id: number, reply: Document): Buffer {
  const head = operation === OP_QUERY ? Buffer.alloc(36) : Buffer.alloc(21)
  const body = BSON.serialize({ ok: 1, ...reply })
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(request_id, 8)
  head.writeInt32LE(operation === OP_QUERY ? OP_REPLY : OP_MSG, 12)
  if (operation === OP_QUERY) head.writeInt32LE(1, 32) // one document
  return Buffer.concat([head, body])
}

type House = {
  collections: Map<string, Document[]>
  asked: Document[]
  batch: number
  primary: string | undefined
}

const refusal = (code: number, codeName: string, errmsg: string) => ({ ok: 0, code, codeName, errmsg })

function talk(house: House): Talk {
  const login = scram()
  const cursors = new Map<string, Document[]>()
  return (command) => {
    const verb = Object.keys(command)[0] ?? ''
    if (verb === 'hello' || verb === 'ismaster') return hello(house.primary)
    if (verb === 'saslStart' || verb === 'saslContinue') return login.step(command)
    if (!login.isDone()) return refusal(13, 'Unauthorized', `command ${verb} requires authentication`)
    house.asked.push(command)
    if (house.primary !== undefined) return refusal(10_107, 'NotWritablePrimary', 'not primary')
    return perform(verb, command, house, cursors)
  }
}

const hello = (primary: string | undefined) => ({
  ismaster: primary === undefined,
  isWritablePrimary: primary === undefined,
  ...(primary !== undefined && { primary, setName: 'rs', secondary: true }),
  helloOk: true,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  maxWireVersion: 21,
  saslSupportedMechs: ['SCRAM-SHA-256'],
})

function perform(
  verb: string,
  command: Document,
  { collections, batch }: House,
  cursors: Map<string, Document[]>,
): Document | null {
  const name = String(
    command[verb] === undefined || verb === 'getMore' ? command['collection'] : command[verb],
  )
  const all = collections.get(name) ?? []
  collections.set(name, all)
  if (name === 'silence') return null
  if (verb === 'ping') return {}
  if (verb === 'find') return opened(matching(all, command['filter']), { name, batch, cursors })
  if (verb === 'getMore') return more(String(command['getMore']), { name, batch, cursors })
  if (verb === 'killCursors') return {}
  if (verb === 'count') return { n: matching(all, command['query']).length }
  if (verb === 'insert') return insert(all, command['documents'])
  if (verb === 'update') return update(all, command['updates'])
  return refusal(59, 'CommandNotFound', `no such command: '${verb}'`)
}

const same = (a: unknown, b: unknown) => BSON.EJSON.stringify({ a }) === BSON.EJSON.stringify({ a: b })

const matching = (all: Document[], filter: Document = {}) =>
  all.filter((one) => Object.entries(filter).every(([key, value]) => same(one[key], value)))

type Reading = { name: string; batch: number; cursors: Map<string, Document[]> }

function opened(found: Document[], { name, batch, cursors }: Reading): Document {
  const rest = found.slice(batch)
  const id = rest.length === 0 ? BSON.Long.ZERO : BSON.Long.fromNumber(cursors.size + 1)
  cursors.set(String(id), rest)
  return { cursor: { id, ns: `erp.${name}`, firstBatch: found.slice(0, batch) } }
}

function more(id: string, { name, batch, cursors }: Reading): Document {
  const held = cursors.get(id)
  if (!held) return refusal(43, 'CursorNotFound', `cursor id ${id} not found`)
  const nextBatch = held.splice(0, batch)
  const next = held.length === 0 ? BSON.Long.ZERO : BSON.Long.fromString(id)
  return { cursor: { id: next, ns: `erp.${name}`, nextBatch } }
}

function insert(all: Document[], documents: Document[]): Document {
  for (const [index, document] of documents.entries()) {
    if (all.some(({ _id }) => same(_id, document['_id']))) {
      const errmsg = 'E11000 duplicate key error collection: erp index: _id_'
      return { n: index, writeErrors: [{ index, code: 11_000, errmsg }] }
    }
    if (document['_id'] === 'contended') {
      const errmsg = 'WriteConflict error: this operation conflicted with another operation'
      return { n: index, writeErrors: [{ index, code: 112, errmsg }] }
    }
    all.push(document)
  }
  return { n: documents.length }
}

function update(all: Document[], updates: Document[]): Document {
  let n = 0
  for (const { q, u } of updates)
    for (const one of matching(all, q)) {
      Object.assign(one, u.$set)
      n += 1
    }
  return { n, nModified: n }
}

/** The server's side of RFC 5802 and 7677. */
function scram() {
  let talked = ''
  let nonce = ''
  let done = false
  const salt = randomBytes(16)
  const wrong = refusal(18, 'AuthenticationFailed', 'Authentication failed.')
  const start = (payload: string): Document => {
    const bare = payload.replace(/^n,,/, '')
    const [, user, theirs] = /^n=([^,]*),r=(.*)$/.exec(bare) ?? []
    nonce = `${theirs}${randomBytes(12).toString('hex')}`
    const first = `r=${nonce},s=${salt.toString('base64')},i=4096`
    talked = `${bare},${first}`
    if (user !== MONGO_USER.username) return wrong
    return { conversationId: 1, done: false, payload: Buffer.from(first) }
  }
  const end = (payload: string): Document => {
    const [, before = '', proof = ''] = /^(c=biws,r=[^,]*),p=(.*)$/.exec(payload) ?? []
    const salted = pbkdf2Sync(MONGO_USER.password, salt, 4096, 32, 'sha256')
    const stored = sha256(hmac(salted, 'Client Key'))
    const message = `${talked},${before}`
    const signature = hmac(stored, message)
    const key = Buffer.from(proof, 'base64').map((byte, at) => byte ^ (signature[at] ?? 0))
    if (before !== `c=biws,r=${nonce}` || !sha256(key).equals(stored)) return wrong
    done = true
    const verifier = hmac(hmac(salted, 'Server Key'), message).toString('base64')
    return { conversationId: 1, done: true, payload: Buffer.from(`v=${verifier}`) }
  }
  return {
    isDone: () => done,
    step: (command: Document): Document => {
      const payload = Buffer.from(command['payload'].buffer).toString()
      return 'saslStart' in command ? start(payload) : end(payload)
    },
  }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
