/** What can be watched, and what a rule of each kind may say. */

/** `usual` is what a rule has that says nothing else. */
type Bounds = { min: number; max: number; usual: number }

export type KindOf = {
  /** Which things it is about: one alert for each. */
  about: 'connection' | 'subscription' | 'key' | 'tenant' | 'installation'
  /** What `threshold` is in, and on which side of it something is wrong; null: there is nothing to measure. */
  threshold: (Bounds & { unit: Unit; wrong: 'below' | 'from' }) | null
  /** `window`: how far is looked back. `held`: for how long it has to last. */
  minutes: (Bounds & { are: 'window' | 'held' }) | null
  /** Whether fewer calls than some say nothing. */
  counts_calls: boolean
  severity: 'warning' | 'critical'
}
export type Unit = 'percent' | 'ms' | 'minutes' | 'days' | 'count'

/** What was counted is read by five minutes, and no further back than this. */
const WINDOW = { min: 5, max: 180, usual: 15, are: 'window' } as const
const HOUR = { ...WINDOW, usual: 60 } as const
const HELD = { min: 0, max: 1440, usual: 1, are: 'held' } as const
const COUNT = { unit: 'count', wrong: 'from', min: 1, max: 1_000_000, usual: 1 } as const

export const KINDS = {
  success_rate: {
    about: 'connection',
    threshold: { unit: 'percent', wrong: 'below', min: 0, max: 100, usual: 95 },
    minutes: WINDOW,
    counts_calls: true,
    severity: 'warning',
  },
  latency: {
    about: 'connection',
    threshold: { unit: 'ms', wrong: 'from', min: 1, max: 600_000, usual: 5000 },
    minutes: WINDOW,
    counts_calls: true,
    severity: 'warning',
  },
  breaker_open: {
    about: 'connection',
    threshold: null,
    minutes: HELD,
    counts_calls: false,
    severity: 'critical',
  },
  connection_unhealthy: {
    about: 'connection',
    threshold: null,
    minutes: { ...HELD, usual: 5 },
    counts_calls: false,
    severity: 'critical',
  },
  limit_near: {
    about: 'connection',
    threshold: { unit: 'percent', wrong: 'from', min: 1, max: 100, usual: 90 },
    minutes: null,
    counts_calls: false,
    severity: 'warning',
  },
  backlog_age: {
    about: 'tenant',
    threshold: { unit: 'minutes', wrong: 'from', min: 1, max: 1440, usual: 5 },
    minutes: null,
    counts_calls: false,
    severity: 'critical',
  },
  deliveries_exhausted: {
    about: 'tenant',
    threshold: COUNT,
    minutes: HOUR,
    counts_calls: false,
    severity: 'warning',
  },
  subscription_disabled: {
    about: 'subscription',
    threshold: null,
    minutes: { ...HELD, usual: 0 },
    counts_calls: false,
    severity: 'warning',
  },
  credential_expiring: {
    about: 'key',
    threshold: { unit: 'days', wrong: 'below', min: 1, max: 90, usual: 14 },
    minutes: null,
    counts_calls: false,
    severity: 'warning',
  },
  quarantined: {
    about: 'tenant',
    threshold: { ...COUNT, usual: 10 },
    minutes: HOUR,
    counts_calls: false,
    severity: 'warning',
  },
  unknown_outcomes: {
    about: 'connection',
    threshold: COUNT,
    minutes: HOUR,
    counts_calls: false,
    severity: 'critical',
  },
  disk_low: {
    about: 'installation',
    threshold: { unit: 'percent', wrong: 'below', min: 1, max: 90, usual: 10 },
    minutes: null,
    counts_calls: false,
    severity: 'critical',
  },
} as const satisfies Record<string, KindOf>

export type AlertKind = keyof typeof KINDS

export const ALL_KINDS = Object.keys(KINDS) as AlertKind[]

export const kindOf = (kind: AlertKind): KindOf => KINDS[kind]

/** Whether a value is out of line; what has no threshold is out of line by being there. */
export function isWrong(kind: AlertKind, threshold: number | null, value: number): boolean {
  const measured = kindOf(kind).threshold
  if (measured === null || threshold === null) return true
  return measured.wrong === 'below' ? value < threshold : value >= threshold
}
