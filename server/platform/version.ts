import { readFileSync } from 'node:fs'

/** Of this installation, as package.json says it. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** By which those we ask and send to know us. */
export const USER_AGENT = `Trilho/${VERSION}`
