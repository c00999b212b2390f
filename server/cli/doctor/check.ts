import type { Config } from '../../platform/config.ts'

/** What was looked at, what was found, and what to do where that is not as it should be. */
export type Finding = {
  check: string
  /** `fail`: the server does not start or loses something; `warn`: it runs, and somebody should know. */
  state: 'ok' | 'warn' | 'fail'
  found: string
  remedy: string | null
}

export type Check = (config: Config) => AsyncIterable<Finding>

export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, remedy: null })
export const warn = (check: string, found: string, remedy: string): Finding => ({
  check,
  state: 'warn',
  found,
  remedy,
})
export const fail = (check: string, found: string, remedy: string): Finding => ({
  check,
  state: 'fail',
  found,
  remedy,
})
