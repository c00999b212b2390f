import { type AddressInfo, createServer, type Socket } from 'node:net'

/**
 * A small SQL Server: its wire protocol (MS-TDS 7.4, without TLS), the log-in, transactions, and statements with their
 * parameters. What they answer is said by the test. Written from Microsoft's Open Specifications.
 */
export type Tds = {
  port: number
  /** What was asked after the log-in: `begin`, `commit`, `rollback`, and the texts of statements. */
  asked: string[]
  sockets: Set<Socket>
  stop(): Promise<void>
}

/** Null: no answer at all. */
export type Answer =
  | { columns: Column[]; rows: unknown[][] }
  | { count: number }
  | { number: number; message: string }
  | null
type Column = { name: string; type: 'bigint' | 'nvarchar' | 'date' | { precision: number; scale: number } }
export type Parameters = Record<string, string | null>

export const TDS_USER = { username: 'trilho', password: 'correct-horse' }

export async function startTds(answer: (text: string, parameters: Parameters) => Answer): Promise<Tds> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket, (kind, body) => respond(kind, body, { asked, answer }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, asked, sockets, stop }
}

const BATCH = 1
const RPC = 3
const REPLY = 4
const TRANSACTION = 14
const LOGIN = 16
const PRELOGIN = 18

/** Packets of up to 4 KB make a message; the last of them says so. */
function serve(socket: Socket, respond: (kind: number, body: Buffer) => Buffer | null): void {
  let held = Buffer.alloc(0)
  let body = Buffer.alloc(0)
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes])
    while (held.length >= 8 && held.length >= held.readUInt16BE(2)) {
      const packet = held.subarray(0, held.readUInt16BE(2))
      held = held.subarray(packet.length)
      body = Buffer.concat([body, packet.subarray(8)])
      if (((packet[1] ?? 0) & 1) === 0) continue
      const reply = respond(packet[0] ?? 0, body)
      body = Buffer.alloc(0)
      if (reply) socket.write(packed(reply))
    }
  })
}

function packed(body: Buffer): Buffer {
  const head = Buffer.from([REPLY, 1, 0, 0, 0, 0, 1, 0])
  head.writeUInt16BE(body.length + 8, 2)
  return Buffer.concat([head, body])
}

type House = { asked: string[]; answer: (text: string, parameters: Parameters) => Answer }

function respond(kind: number, body: Buffer, { asked, answer }: House): Buffer | null {
  if (kind === PRELOGIN) return prelogin()
  if (kind === LOGIN) return login(body)
  if (kind === BATCH) return done(0) // the options of the session
  const after_headers = body.subarray(body.readUInt32LE(0))
  if (kind === TRANSACTION) return transaction(after_headers.readUInt16LE(0), asked)
  if (kind !== RPC) return failure(2812, 'Could not find what was asked for.')
  const { text, parameters } = readStatement(after_headers)
  asked.push(text)
  const given = answer(text, parameters)
  if (given === null) return null
  if ('number' in given) return failure(given.number, given.message)
  return 'count' in given ? done(given.count) : Buffer.concat([rowsOf(given), done(given.rows.length)])
}

/** The version, and that there is no encryption. */
const prelogin = (): Buffer => Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2])

function login(body: Buffer): Buffer {
  const part = (at: number) => {
    const from = body.readUInt16LE(at)
    return body.subarray(from, from + body.readUInt16LE(at + 2) * 2)
  }
  const hidden = part(44).map((byte) => {
    const plain = byte ^ 0xa5
    return ((plain << 4) | (plain >> 4)) & 0xff
  })
  const username = part(40).toString('utf16le')
  const password = Buffer.from(hidden).toString('utf16le')
  if (username !== TDS_USER.username || password !== TDS_USER.password)
    return failure(18_456, `Login failed for user '${username}'.`, 14)
  const program = short('Microsoft SQL Server')
  const acknowledged = Buffer.concat([Buffer.from([1, 0x74, 0, 0, 4]), program, Buffer.from([16, 0, 0, 0])])
  return Buffer.concat([token(0xad, acknowledged), done(0)])
}

const NAMES: Record<number, string> = { 5: 'begin', 7: 'commit', 8: 'rollback' }
const MARK = Buffer.from([8, 1, 2, 3, 4, 5, 6, 7, 8])

function transaction(kind: number, asked: string[]): Buffer {
  asked.push(NAMES[kind] ?? String(kind))
  const none = Buffer.from([0])
  const changed =
    kind === 5 ? [Buffer.from([8]), MARK, none] : [Buffer.from([kind === 7 ? 9 : 10]), none, MARK]
  return Buffer.concat([token(0xe3, Buffer.concat(changed)), done(0)])
}

function token(kind: number, body: Buffer): Buffer {
  const head = Buffer.from([kind, 0, 0])
  head.writeUInt16LE(body.length, 1)
  return Buffer.concat([head, body])
}

function done(count: number): Buffer {
  const bytes = Buffer.alloc(13)
  bytes[0] = 0xfd
  bytes.writeUInt16LE(0x10, 1) // the count is valid
  bytes.writeBigUInt64LE(BigInt(count), 5)
  return bytes
}

function failure(number: number, message: string, severity = 14): Buffer {
  const head = Buffer.alloc(6)
  head.writeInt32LE(number, 0)
  head[4] = 1
  head[5] = severity
  const said = Buffer.concat([head, long(message), short('db'), short(''), Buffer.from([1, 0, 0, 0])])
  const end = done(0)
  end.writeUInt16LE(2, 1) // with an error
  return Buffer.concat([token(0xaa, said), end])
}

const short = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')])

function long(text: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16LE(text.length)
  return Buffer.concat([length, Buffer.from(text, 'utf16le')])
}

function rowsOf({ columns, rows }: { columns: Column[]; rows: unknown[][] }): Buffer {
  const count = Buffer.from([0x81, columns.length, 0])
  const described = columns.map(({ name, type }) =>
    Buffer.concat([Buffer.alloc(6), typeOf(type), short(name)]),
  )
  const filled = rows.map((row) => {
    const values = columns.map(({ type }, at) => valueIn(type, String(row[at])))
    return Buffer.concat([Buffer.from([0xd1]), ...values])
  })
  return Buffer.concat([count, ...described, ...filled])
}

function typeOf(type: Column['type']): Buffer {
  if (type === 'bigint') return Buffer.from([0x26, 8])
  if (type === 'date') return Buffer.from([0x28])
  if (type === 'nvarchar') return Buffer.from([0xe7, 0x40, 0x1f, 9, 4, 0xd0, 0, 0x34])
  return Buffer.from([0x6a, 17, type.precision, type.scale])
}

function valueIn(type: Column['type'], text: string): Buffer {
  if (type === 'nvarchar') {
    const length = Buffer.alloc(2)
    length.writeUInt16LE(text.length * 2)
    return Buffer.concat([length, Buffer.from(text, 'utf16le')])
  }
  if (type === 'bigint') return Buffer.concat([Buffer.from([8]), little(BigInt(text), 8)])
  if (type === 'date') {
    const days = (Date.parse(text) - Date.parse('0001-01-01')) / 86_400_000
    return Buffer.concat([Buffer.from([3]), little(BigInt(days), 3)])
  }
  const digits = BigInt(text.replace(/[-.]/g, ''))
  return Buffer.concat([Buffer.from([17, text.startsWith('-') ? 0 : 1]), little(digits, 16)])
}

const little = (value: bigint, bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(at * 8)) & 0xffn)))

/** Of `sp_executesql`: the text, the declarations, and the values by name, as text. */
function readStatement(body: Buffer): { text: string; parameters: Parameters } {
  let at = 6 // the number of the procedure and its flags
  const values: [string, string | null][] = []
  while (at < body.length) {
    const name = body.toString('utf16le', at + 1, at + 1 + (body[at] ?? 0) * 2)
    at += 2 + (body[at] ?? 0) * 2
    const read = readValue(body, at)
    values.push([name, read.value])
    at = read.end
  }
  const [text, , ...parameters] = values
  return { text: text?.[1] ?? '', parameters: Object.fromEntries(parameters) }
}

/** How many bytes describe a type after its own. */
const DESCRIBED: Record<number, number> = { 38: 1, 104: 1, 106: 3, 40: 0, 42: 1, 43: 1, 231: 7 }

function readValue(body: Buffer, at: number): { value: string | null; end: number } {
  const type = body[at] ?? 0
  const from = at + 1 + (DESCRIBED[type] ?? 0)
  if (type === 231 && body.readUInt16LE(at + 1) === 0xffff) return readChunks(body, from)
  const length = type === 231 ? body.readUInt16LE(from) : (body[from] ?? 0)
  const start = from + (type === 231 ? 2 : 1)
  if ((type === 231 && length === 0xffff) || length === 0)
    return { value: type === 231 && length === 0 ? '' : null, end: start }
  const bytes = body.subarray(start, start + length)
  return { value: textOf(type, bytes, body[at + 3] ?? 0), end: start + length }
}

function readChunks(body: Buffer, from: number): { value: string; end: number } {
  let at = from + 8
  let value = ''
  for (;;) {
    const length = body.readUInt32LE(at)
    at += 4
    if (length === 0) return { value, end: at }
    value += body.toString('utf16le', at, at + length)
    at += length
  }
}

function textOf(type: number, bytes: Buffer, scale: number): string {
  if (type === 231) return bytes.toString('utf16le')
  if (type === 104) return String(bytes[0] === 1)
  if (type === 38) return String(BigInt.asIntN(bytes.length * 8, unsigned(bytes)))
  if (type === 106) {
    const digits = String(unsigned(bytes.subarray(1))).padStart(scale + 1, '0')
    const whole = digits.slice(0, digits.length - scale)
    return `${bytes[0] === 1 ? '' : '-'}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`
  }
  const days = Number(unsigned(bytes.subarray(type === 40 ? 0 : -3)))
  return new Date(Date.parse('0001-01-01') + days * 86_400_000).toISOString().slice(0, 10)
}

const unsigned = (bytes: Buffer): bigint =>
  bytes.reduceRight((total, byte) => (total << 8n) | BigInt(byte), 0n)
