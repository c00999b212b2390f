import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { once } from '../../platform/database/database.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'

/** 32 MB and about a fifth of a second, as OWASP's cheat sheet has it for scrypt. Stored with each hash. */
const COST = { N: 32_768, r: 8, p: 3 }
const HASH_BYTES = 32

type Kept = { cost: typeof COST; salt: Buffer; hash: Buffer }

/** A hash of nobody's password, so that an e-mail nobody has takes as long as a wrong password. */
const NOBODY: Kept = { cost: COST, salt: Buffer.alloc(16), hash: Buffer.alloc(HASH_BYTES) }

/** `scrypt$32768$8$3$<salt>$<hash>`, the last two in base64. */
export async function hashPassword(app: App, password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(app, password, { cost: COST, salt })
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** `stored` is null where there is nobody, or nobody with a password. */
export async function isPassword(app: App, password: string, stored: string | null): Promise<boolean> {
  const kept = stored === null ? NOBODY : parse(stored)
  const hash = await derive(app, password, kept)
  return timingSafeEqual(hash, kept.hash) && stored !== null
}

function parse(stored: string): Kept {
  const [, N, r, p, salt = '', hash = ''] = stored.split('$')
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

/** The same characters may be typed as other bytes on another keyboard. */
async function derive(app: App, password: string, { cost, salt }: Omit<Kept, 'hash'>): Promise<Buffer> {
  const leave = await rooms(app).enter()
  try {
    const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r }
    return await new Promise<Buffer>((resolve, reject) => {
      scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, hash) =>
        error ? reject(error) : resolve(hash),
      )
    })
  } finally {
    leave()
  }
}

const AT_ONCE = 2
const MAY_WAIT = 32

/** Two hashes at once and a short line: who asks for thousands must not take the processor from everybody else. */
const rooms = once((_: App) => {
  let running = 0
  const line: (() => void)[] = []
  const leave = (): void => {
    const next = line.shift()
    if (next) next()
    else running -= 1
  }
  return {
    async enter(): Promise<() => void> {
      if (running < AT_ONCE) running += 1
      else if (line.length < MAY_WAIT) await new Promise<void>((resolve) => line.push(resolve))
      else throw busy()
      return leave
    },
  }
})

const busy = (): Problem =>
  new Problem('overloaded', { detail: 'Too many people are signing in. Try again.', retry_after_s: 2 })
