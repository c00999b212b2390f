import { once } from '../../platform/database/database.ts'
import { script } from '../../platform/redis/redis.ts'
import type { App } from '../app.ts'

/**
 * Where the bodies of kept answers are beside PostgreSQL, which says of each answer whether it still holds: in Redis,
 * where there is one and it answers. What Redis has lost is as if it had never been kept.
 */
type CacheBodies = {
  /** False where it is to be kept elsewhere. */
  put(id: string, sealed: Buffer, kept_for_s: number): Promise<boolean>
  get(id: string): Promise<Buffer | null>
}

/** Longer ones would hold up the counts of limits, which Redis answers too. */
const MOST_BYTES = 256 * 1024
/** What stays longer is PostgreSQL's, so that what Redis holds is an hour's worth at most, whatever policies say. */
const LONGEST_S = 3_600

const PUT = script("redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])")
const GET = script("return redis.call('GET', KEYS[1])")

const nowhere: CacheBodies = { put: async () => false, get: async () => null }

export const cacheBodies = once(({ redis, log }: App): CacheBodies => {
  if (!redis) return nowhere
  const keyOf = (id: string) => `trilho:cached ${id}`
  const away = (err: unknown) => void log.debug({ err }, 'the body of a cached answer is not in Redis')
  return {
    put: async (id, sealed, kept_for_s) => {
      if (sealed.length > MOST_BYTES || kept_for_s > LONGEST_S || kept_for_s < 1) return false
      if (redis.up_ms() === null) return false
      const values = [sealed.toString('base64'), String(Math.ceil(kept_for_s))]
      try {
        await redis.run(PUT, [keyOf(id)], values)
        return true
      } catch (error) {
        away(error)
        return false
      }
    },
    get: async (id) => {
      if (redis.up_ms() === null) return null
      const found = await redis.run(GET, [keyOf(id)], []).catch(away)
      return typeof found === 'string' ? Buffer.from(found, 'base64') : null
    },
  }
})
