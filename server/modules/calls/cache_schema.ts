import Type, { type Static } from 'typebox'
import { WireId } from '../wire.ts'

const DAY_S = 86_400
const Seconds = (description: string) => Type.Integer({ minimum: 0, maximum: 30 * DAY_S, description })

const PathPattern = Type.String({
  pattern: '^[/*][^?#\\s]*$',
  maxLength: 500,
  description: 'Path at the vendor, below the base URL, without its query; * stands for any text',
  examples: ['/products/*'],
})

export const CachePolicy = Type.Object(
  {
    path: PathPattern,
    strategy: Type.Union([Type.Literal('time_based'), Type.Literal('etag'), Type.Literal('conditional')], {
      description:
        'time_based: given out for ttl_s. etag: the vendor is asked each time whether its ETag still holds. conditional: as long as the vendor says (Cache-Control, Expires), then asked by ETag or Last-Modified',
    }),
    ttl_s: Type.Optional(
      Seconds(
        'How long an answer is given out without asking: 300 where time_based, else 0; with conditional where the vendor says nothing',
      ),
    ),
    stale_while_revalidate_s: Type.Optional(
      Seconds('How much longer it is given out at once, while the vendor is asked in the background; 0'),
    ),
    stale_if_error_s: Type.Optional(
      Seconds('How much longer it is given out where the vendor fails or may not be asked; 0'),
    ),
    statuses: Type.Optional(
      Type.Array(Type.Union([200, 203, 204, 300, 301, 308, 404, 410].map((status) => Type.Literal(status))), {
        minItems: 1,
        maxItems: 8,
        description: 'Which answers are kept; 200, 203 and 204',
      }),
    ),
    ignore_no_store: Type.Optional(
      Type.Boolean({ description: 'Keep also what the vendor marks no-store; false' }),
    ),
    invalidate_on: Type.Optional(
      Type.Array(Type.String({ pattern: '^(\\*|[a-z0-9_]+(\\.[a-z0-9_]+)*(\\.\\*)?)$', maxLength: 100 }), {
        maxItems: 50,
        description: 'Types of events that drop what this policy kept',
        examples: [['payment.*']],
      }),
    ),
    enabled: Type.Optional(
      Type.Boolean({ description: 'false: paths of this pattern are not cached; true' }),
    ),
  },
  { additionalProperties: false },
)
export type CachePolicy = Static<typeof CachePolicy>

export const PutCache = Type.Object(
  {
    policies: Type.Array(CachePolicy, {
      maxItems: 50,
      description: 'The first whose path fits decides; given again, they replace all before',
    }),
  },
  { additionalProperties: false },
)
export type PutCache = Static<typeof PutCache>

const Count = (description: string) => Type.Integer({ description })

export const CacheReport = Type.Object({
  connection_id: WireId('connection'),
  policies: Type.Array(CachePolicy),
  entries: Count('Answers kept'),
  bytes: Count('Of their bodies and headers'),
  hits: Count('Answered without asking the vendor'),
  misses: Count('Nothing was kept: the vendor was asked'),
  revalidated: Count('The vendor said that what was kept still holds (304)'),
  stale: Count('Given out past their time: while the vendor was asked, or because it could not be'),
  bypassed: Count('The caller did not want the cache'),
  joined: Count('Reads that shared the call of another one under way; counted above too'),
})
export type CacheReport = Static<typeof CacheReport>

export const PurgeCache = Type.Object({ path: Type.Optional(PathPattern) }, { additionalProperties: false })
export type PurgeCache = Static<typeof PurgeCache>

export const Purged = Type.Object({ purged: Count('Answers dropped') })

/** What the cache did for one call. */
export const CacheNote = Type.Object({
  result: Type.Union(
    [
      Type.Literal('hit'),
      Type.Literal('stale'),
      Type.Literal('revalidated'),
      Type.Literal('miss'),
      Type.Literal('bypassed'),
    ],
    {
      description:
        'hit: nothing was sent, id is the call the answer is from; stale: as hit, past its time; revalidated: the vendor said that it still holds; bypassed: the caller did not want the cache',
    },
  ),
  joined: Type.Boolean({ description: 'Shared the call of an identical read under way' }),
  stored: Type.Boolean({ description: 'The answer is kept for the next' }),
  age_s: Type.Union([Type.Integer(), Type.Null()]),
  ttl_s: Type.Union([Type.Integer(), Type.Null()], { description: 'How much longer it is fresh' }),
  detail: Type.Union([Type.String(), Type.Null()], {
    description: 'Why it was not kept, or was given out stale',
  }),
})
export type CacheNote = Static<typeof CacheNote>
