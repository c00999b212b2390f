import { isPacked, unpack } from '../../kit/bodies.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import { USUAL_BODY_LIMIT } from './options.ts'
import { turnAway } from './refusals.ts'
import { type ActiveSource, findActiveSource } from './sources.ts'

/** How large a body may be at its source, as it came and unpacked: told before anything else is done with it. */

type Body = { headers: Record<string, string | string[] | undefined>; body: Buffer }

export function checkBody(app: App, source: ActiveSource, { headers, body }: Body): void {
  const limit = source.options.body_limit_bytes
  if (body.length > limit) throw tooLarge(app, source, `the body has ${body.length} bytes`)
  if (headers['content-encoding'] === undefined || !isPacked(headers)) return
  const unpacked = unpack(headers, body, limit)
  if (unpacked.ok) return
  if (unpacked.reason === 'too_large') throw tooLarge(app, source, unpacked.detail)
  turnAway(app, source, 'encoding')
  const code = unpacked.reason === 'unknown_encoding' ? 'unsupported_media_type' : 'invalid_request'
  throw new Problem(code, {
    field: 'content-encoding',
    detail: `The body cannot be unpacked: ${unpacked.detail}.`,
  })
}

/** By the length that a request says it has. Most are below what every source takes, and cost no look-up. */
export async function checkLength(app: App, wire_id: string, length: number): Promise<void> {
  if (!(length > USUAL_BODY_LIMIT)) return
  const source = await findActiveSource(app, wire_id)
  if (source && length > source.options.body_limit_bytes) {
    throw tooLarge(app, source, `the body has ${length} bytes`)
  }
}

function tooLarge(app: App, source: ActiveSource, what: string): Problem {
  turnAway(app, source, 'too_large')
  const limit = source.options.body_limit_bytes
  return new Problem('body_too_large', {
    detail: `This source takes ${limit} bytes (options.body_limit_bytes); ${what}.`,
  })
}
