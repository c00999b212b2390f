import { createHash } from 'node:crypto'
import Type, { type Static } from 'typebox'
import type { Place, Reading } from '../../kit/messages.ts'

/** What a tenant may set about a source beside what its provider asks for. Kept as JSON, read into memory with it. */

const Seconds = (maximum: number, description: string) => Type.Integer({ minimum: 0, maximum, description })

const Order = Type.Object(
  {
    by: Type.Optional(
      Type.Union([Type.Literal('provider'), Type.Literal('none')], {
        description: '`provider`: as the provider declares. `none`: messages are worked on side by side',
      }),
    ),
    gap_timeout_s: Type.Optional(Seconds(86_400, 'How long a missing number is waited for; 30')),
    on_failure: Type.Optional(
      Type.Union([Type.Literal('skip'), Type.Literal('park'), Type.Literal('block')], {
        description:
          'Of a message that fails. `skip`: after `skip_after` attempts it is failed and its entity goes on. `park`: it is set aside after the first. `block`: its entity waits until somebody replays or skips it',
      }),
    ),
    skip_after: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 21, description: 'Attempts; as many as there are, unless set' }),
    ),
  },
  { additionalProperties: false },
)

export const SourceOptions = Type.Object(
  {
    event_types: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        minItems: 1,
        maxItems: 100,
        examples: [['payment_intent.*', 'charge.refunded']],
        description:
          "The vendor's words that are wanted, `*` at the end for any; the rest is recorded as ignored",
      }),
    ),
    retry_schedule_s: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 604_800 }), {
        maxItems: 20,
        description: 'The wait before each further attempt; 60, 300, 900, 3600, 21600',
      }),
    ),
    order: Type.Optional(Order),
    body_limit_bytes: Type.Optional(
      Type.Integer({
        minimum: 1_024,
        maximum: 67_108_864,
        description:
          'Largest body, compressed or not; 1 MiB. Never more than the installation takes (TRILHO_WEBHOOK_BODY_LIMIT)',
      }),
    ),
  },
  { additionalProperties: false },
)
export type SourceOptions = Static<typeof SourceOptions>

/** What is named changes as a whole, and null takes it back; the others stay. */
export const UpdateOptions = Type.Object(
  Object.fromEntries(
    Object.entries(SourceOptions.properties).map(([key, schema]) => [
      key,
      Type.Optional(Type.Union([schema, Type.Null()])),
    ]),
  ),
  { additionalProperties: false },
)

/** Each option as it holds: what is set, or what stands for it. */
export type Options = {
  event_types: string[] | null
  retry_schedule_s: number[]
  order: Required<Static<typeof Order>>
  body_limit_bytes: number
}

export const USUAL_BODY_LIMIT = 1_048_576

/** The first attempt is made at once; one more after each of these waits. */
const RETRY_S = [60, 300, 900, 3_600, 21_600]

export function completeOptions(set: SourceOptions): Options {
  const { event_types = null, retry_schedule_s = RETRY_S, order = {} } = set
  const { body_limit_bytes = USUAL_BODY_LIMIT } = set
  return {
    event_types,
    retry_schedule_s,
    order: {
      by: 'provider',
      gap_timeout_s: 30,
      on_failure: 'skip',
      skip_after: retry_schedule_s.length + 1,
      ...order,
    },
    body_limit_bytes,
  }
}

/** A null takes an option back; what is not named stays. */
export function changeOptions(
  stored: SourceOptions,
  change: Readonly<Record<string, unknown>>,
): SourceOptions {
  const merged = Object.entries({ ...stored, ...change })
  return Object.fromEntries(merged.filter(([, value]) => value !== null)) as SourceOptions
}

/** Whether a type is on the list; a message without one is on none. */
export const isWanted = ({ event_types }: Options, type: string | null): boolean =>
  event_types === null ||
  event_types.some((one) => (one.endsWith('*') ? type?.startsWith(one.slice(0, -1)) : type === one))

/** Where a message stands in line: its lane, the same for all of its entity at this source, and its place there. */
export function laneOf(
  source: { id: string; options: Options },
  { place }: Reading,
): { lane: string | null; position: number | null } {
  if (!place || source.options.order.by === 'none') return { lane: null, position: null }
  return { lane: laneId(source.id, place), position: place.position }
}

/** 128 bits of a hash: a collision would only make two entities wait for each other. */
function laneId(source_id: string, { entity_id }: Place): string {
  const hex = createHash('sha256').update(`${source_id} ${entity_id}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}
