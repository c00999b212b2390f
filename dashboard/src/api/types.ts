import type { paths } from './schema.ts'

/** What the API says and is asked, by the address. */

type Read = { get: { responses: { 200: { content: { 'application/json': unknown } } } } }
type Readable = { [Path in keyof paths]: paths[Path] extends Read ? Path : never }[keyof paths]
type Sent = { post: { requestBody: { content: { 'application/json': unknown } } } }
type Sendable = { [Path in keyof paths]: paths[Path] extends Sent ? Path : never }[keyof paths]

export type AnswerOf<Path extends Readable> =
  paths[Path]['get']['responses'][200]['content']['application/json']

/** Of a list. */
export type RowOf<Path extends Readable> = AnswerOf<Path> extends { data: (infer Row)[] } ? Row : never

export type QueryOf<Path extends Readable> = NonNullable<paths[Path]['get']['parameters']['query']>

export type BodyOf<Path extends Sendable> = paths[Path]['post']['requestBody']['content']['application/json']
