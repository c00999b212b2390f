import protobuf from 'protobufjs'
import { misfitOf } from './misfits.ts'

/**
 * Messages of Protocol Buffers as JSON, by the text of a `.proto` file or by what a server tells of itself. 64-bit
 * integers are text, so that no digit is lost; bytes are base64; enums are their names.
 */
export type Method = { path: string; request: protobuf.Type; response: protobuf.Type; streams: boolean }

/** Throws an Error that says what is wrong with the text. */
export function readProto(text: string): protobuf.Root {
  const { root, imports = [] } = protobuf.parse(text, { keepCase: true })
  const foreign = imports.find((file) => !file.startsWith('google/protobuf/'))
  if (foreign !== undefined) throw new Error(`it imports ${foreign}; put the text of that file into this one`)
  for (const file of imports) {
    const known = protobuf.common.get(file)
    if (known?.nested) root.addJSON(known.nested)
  }
  root.resolveAll()
  return root
}

/** `service` with its package: `shop.v1.Invoices`. Null where there is no such method. */
export function findMethod(root: protobuf.Root, service: string, name: string): Method | null {
  try {
    const method = root.lookupService(service).methods[name]
    if (!method) return null
    method.resolve()
    const { resolvedRequestType: request, resolvedResponseType: response } = method
    if (!request || !response) return null
    const streams = Boolean(method.requestStream || method.responseStream)
    return { path: `/${service}/${name}`, request, response, streams }
  } catch {
    return null
  }
}

/** Every `package.Service/Method`. */
export function listMethods(namespace: protobuf.NamespaceBase): string[] {
  return namespace.nestedArray.flatMap((one) => {
    if (one instanceof protobuf.Service)
      return one.methodsArray.map(({ name }) => `${one.fullName.slice(1)}/${name}`)
    return one instanceof protobuf.Namespace ? listMethods(one) : []
  })
}

/** The bytes of a message, or what is wrong with it. */
export function encode(
  type: protobuf.Type,
  value: unknown,
): { ok: true; bytes: Buffer } | { ok: false; reason: string } {
  const misfit = misfitOf(type, value)
  if (misfit !== null) return { ok: false, reason: misfit }
  try {
    const message = type.fromObject(value as object)
    const wrong = type.verify(message)
    if (wrong !== null) return { ok: false, reason: wrong }
    return { ok: true, bytes: Buffer.from(type.encode(message).finish()) }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

export const decode = (type: protobuf.Type, bytes: Buffer): unknown =>
  type.toObject(type.decode(bytes), {
    longs: String,
    enums: String,
    bytes: String,
    defaults: true,
    arrays: true,
  })

/** gRPC's frame: one byte that says whether it is compressed, four of length, the message. */
export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** The messages of a body. Throws where it is cut off or compressed, which we did not ask for. */
export function unframe(body: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    if (body.length < at + 5) throw new Error('the answer is cut off')
    if (body[at] !== 0) throw new Error('the answer is compressed, which was not asked for')
    const end = at + 5 + body.readUInt32BE(at + 1)
    if (body.length < end) throw new Error('the answer is cut off')
    messages.push(body.subarray(at + 5, end))
    at = end
  }
  return messages
}
