import protobuf from 'protobufjs'
import descriptor from 'protobufjs/ext/descriptor.js'
import { decode, encode, frame, unframe } from './messages.ts'

/**
 * What a server tells of itself: grpc.reflection.v1.ServerReflection
 * (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md), of which only files are asked for.
 */
const PROTO = `syntax = "proto3"; package grpc.reflection.v1;
message ServerReflectionRequest { string host = 1; oneof message_request { string file_by_filename = 3; string file_containing_symbol = 4; } }
message ServerReflectionResponse { FileDescriptorResponse file_descriptor_response = 4; ErrorResponse error_response = 7; }
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ErrorResponse { int32 error_code = 1; string error_message = 2; }`

const root = protobuf.parse(PROTO, { keepCase: true }).root
const Request = root.lookupType('ServerReflectionRequest')
const Response = root.lookupType('ServerReflectionResponse')

export const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'
/** The same under its older name, the only one that many servers know. */
export const OLDER_REFLECTION = '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo'

type Question = { file_containing_symbol: string } | { file_by_filename: string }
type File = protobuf.Message & { name: string; dependency: string[] }

const MOST_FILES = 500

/** Throws an Error in the server's words, `untold` where it does not know the service. `exchange` sends one framed message to `REFLECTION` and gives the body. */
export async function reflect(
  service: string,
  exchange: (body: Buffer) => Promise<Buffer>,
): Promise<protobuf.Root> {
  const files = new Map<string, File>()
  const ask = async (question: Question) => {
    for (const file of await filesOf(question, exchange)) files.set(file.name, file)
  }
  await ask({ file_containing_symbol: service })
  for (let [missing] = unknownFiles(files); missing !== undefined; [missing] = unknownFiles(files)) {
    await ask({ file_by_filename: missing })
    if (!files.has(missing)) throw untold(`the server does not tell of ${missing}`)
    if (files.size > MOST_FILES) throw untold(`the server tells of more than ${MOST_FILES} files`)
  }
  const set = descriptor.FileDescriptorSet.fromObject({ file: [...files.values()] })
  const found = protobuf.Root.fromDescriptor(set as never, { keepCase: true })
  found.resolveAll()
  return found
}

const untold = (message: string): Error => Object.assign(new Error(message), { untold: true })

const unknownFiles = (files: Map<string, File>): string[] =>
  [...files.values()].flatMap(({ dependency }) => dependency).filter((name) => !files.has(name))

async function filesOf(question: Question, exchange: (body: Buffer) => Promise<Buffer>): Promise<File[]> {
  const written = encode(Request, question)
  if (!written.ok) throw new Error(written.reason)
  const [message] = unframe(await exchange(frame(written.bytes)))
  const answer = decode(Response, message ?? Buffer.alloc(0)) as {
    file_descriptor_response: { file_descriptor_proto: string[] } | null
    error_response: { error_message: string } | null
  }
  if (answer.error_response) throw untold(answer.error_response.error_message)
  return (answer.file_descriptor_response?.file_descriptor_proto ?? []).map(
    (bytes) => descriptor.FileDescriptorProto.decode(Buffer.from(bytes, 'base64')) as unknown as File,
  )
}
