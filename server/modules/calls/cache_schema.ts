import Type, { type Static } from 'typebox'
import { CacheRules } from '../../kit/cache.ts'
import { WireId } from '../wire.ts'

const PathPattern = Type.String({
  pattern: '^[/*][^?#\\s]*$',
  maxLength: 500,
  description: 'Path at the vendor, below the base URL, without its query; * stands for any text',
  examples: ['/products/*'],
})

export const CachePolicy = Type.Object(
  {
    path: PathPattern,
    ...CacheRules.properties,
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
