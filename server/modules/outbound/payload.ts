import Type, { type Static } from 'typebox'
import { type Bounded, checkPlaces, createBounded, type Reckoned } from '../../kit/mapping/mapping.ts'
import { formEncode } from '../../kit/transports/form.ts'
import { readJson } from '../../kit/wire_json.ts'
import { once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import { timeOfId, toWire } from '../../platform/ids.ts'
import type { App } from '../app.ts'

/**
 * What a subscription sends: the event as it is, or what its own template or expression makes of it. The latter run in
 * threads with a bound on time and memory, one at a time for each tenant, and one that had to be ended rests: whoever
 * wrote it holds up nobody else. Each attempt makes it anew, and signs what came of it.
 */

/** Of an event, as it is kept; `data` is JSON text, `entity_id` what it is about. */
export type Payload = { type: string; version: number; data: string; entity_id?: string | null }

const MOST_TEMPLATE = 32_768
const MOST_RUN_MS = 1_000
/** A failure that took so long is paid for with a rest of so many times its length. */
const DEAR_MS = 200
const REST = 20
/** More than a worker has in hand: what is to be sent is never turned away for want of a place in the line. */
const LINE = 8_192

export const PayloadShape = Type.Union(
  [
    Type.Object(
      {
        template: Type.Unknown({
          description:
            'JSON in whose texts `{{path}}` stands for a value of the event, such as `{{data.id}}`',
        }),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      { expression: Type.String({ minLength: 1, maxLength: 10_000, description: 'JSONata over the event' }) },
      { additionalProperties: false },
    ),
  ],
  {
    description:
      'What is sent in place of the event, made of its `id`, `type`, `version`, `timestamp` and `data`',
    examples: [{ template: { text: 'Order {{data.order}} was shipped' } }],
  },
)
export type PayloadShape = Static<typeof PayloadShape>

/** JSON text, as it is kept. A Problem says what of it could never be done. */
export async function checkPayload(app: App, tenant_id: string, shape: PayloadShape): Promise<string> {
  const text = JSON.stringify(shape)
  if (text.length > MOST_TEMPLATE) {
    throw refused('payload', `must not be longer than ${MOST_TEMPLATE} characters`)
  }
  if ('template' in shape) checkPlaces(shape.template, 'payload.template')
  else {
    const { expression } = shape
    const read = await threads(app).of(tenant_id).run({ kind: 'syntax', expression, value: '' })
    if (!read.ok) throw refused('payload.expression', read.because)
  }
  return text
}

const refused = (field: string, reason: string) =>
  new Problem('invalid_request', { field, detail: `${field} ${reason}` })

const threads = once((_app: App): Bounded => createBounded({ timeout_ms: MOST_RUN_MS, queue: LINE }))

/** `waited`: its turn did not come in time, and nothing was tried. */
export type Body = { ok: true; body: string } | { ok: false; because: string; waited: boolean }

/** The event as it is, to the byte; as a form with every number as it was written. */
export const plainBody = (
  event_id: string,
  { type, data }: Payload,
  content_type: 'json' | 'form',
): string =>
  content_type === 'form'
    ? formEncode({ type, timestamp: timeOfId(event_id).toISOString(), data: readJson(data) })
    : `{"type":${JSON.stringify(type)},"timestamp":"${timeOfId(event_id).toISOString()}","data":${data}}`

type Shaped = { tenant_id: string; id: string; payload: PayloadShape; content_type: 'json' | 'form' }

/**
 * What the subscription's own shape makes of an event, within `most_ms`. What has not begun in half of that has waited
 * in vain: the other half is for making and sending it. Never throws for what it cannot do.
 */
export async function shapedBody(
  app: App,
  { tenant_id, id, payload: shape, content_type }: Shaped,
  event: Payload & { event_id: string },
  most_ms: number,
): Promise<Body> {
  const value = inputOf(event)
  const over = Promise.withResolvers<Body>()
  let [is_over, has_begun] = [false, false]
  const end = (body: Body) => {
    is_over = true
    over.resolve(body)
  }
  const begin = () => {
    has_begun = true
  }
  const timers = [
    setTimeout(() => void (has_begun || end(WAITED)), most_ms / 2),
    setTimeout(() => end(no(`the payload was not made within ${most_ms} ms`)), most_ms),
  ]
  const work = async () =>
    is_over ? over.promise : toBody(await reckon(app, { tenant_id, id }, shape, value, begin), content_type)
  const made = await Promise.race([inTurn(app)(tenant_id, work), over.promise])
  for (const timer of timers) clearTimeout(timer)
  return made
}

const no = (because: string): Body => ({ ok: false, because, waited: false })
const WAITED: Body = { ok: false, because: 'its turn to be made has not come yet', waited: true }

async function reckon(
  app: App,
  { tenant_id, id }: Pick<Shaped, 'tenant_id' | 'id'>,
  shape: PayloadShape,
  value: string,
  begin: () => void,
): Promise<Reckoned> {
  const resting = rests(app).of(id, shape)
  if (resting) return resting
  const began = app.clock.monotonic()
  const made = await threads(app)
    .of(tenant_id)
    .run({ ...taskOf(shape), value }, begin)
  const took_ms = app.clock.monotonic() - began
  if (!made.ok && took_ms > DEAR_MS) rests(app).begin(id, shape, made.because, took_ms * REST)
  return made
}

/** What took long and came to nothing, by subscription; another shape is another matter. */
const rests = once(({ clock }: App) => {
  const all = new Map<string, { shape: string; because: string; until: number }>()
  return {
    begin(id: string, shape: PayloadShape, because: string, for_ms: number): void {
      if (all.size >= MOST_RESTING) all.clear()
      all.set(id, { shape: JSON.stringify(shape), because, until: clock.monotonic() + for_ms })
    },
    of(id: string, shape: PayloadShape): Reckoned | null {
      const rest = all.get(id)
      if (!rest) return null
      if (rest.until > clock.monotonic() && rest.shape === JSON.stringify(shape)) {
        return { ok: false, because: `${rest.because} a moment ago, and rests` }
      }
      all.delete(id)
      return null
    },
  }
})
const MOST_RESTING = 10_000

const taskOf = (shape: PayloadShape) =>
  'template' in shape
    ? ({ kind: 'template', template: shape.template } as const)
    : ({ kind: 'expression', expression: shape.expression } as const)

/** What paths and expressions see. */
const inputOf = ({ event_id, type, version, data }: Payload & { event_id: string }): string =>
  `{"id":"${toWire('event', event_id)}","type":${JSON.stringify(type)},"version":${version},"timestamp":"${timeOfId(event_id).toISOString()}","data":${data}}`

function toBody(made: Reckoned, content_type: 'json' | 'form'): Body {
  if (!made.ok) return no(`the payload ${made.because}`)
  const { text } = made
  if (text === 'null') return no('the payload gives nothing for this event')
  if (content_type === 'json') return { ok: true, body: text }
  if (!text.startsWith('{')) return no('the payload gives no object that could be a form')
  return { ok: true, body: formEncode(readJson(text)) }
}

/** One after another for each tenant; what waits here waits for its own kind alone. */
const inTurn = once((_app: App) => {
  const last = new Map<string, Promise<unknown>>()
  return (id: string, work: () => Promise<Body>): Promise<Body> => {
    const mine = (last.get(id) ?? Promise.resolve()).then(work)
    last.set(id, mine)
    const leave = () => void (last.get(id) === mine && last.delete(id))
    mine.then(leave, leave)
    return mine
  }
})
