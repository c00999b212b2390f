import type { Opened } from '../../kit/transports/http.ts'
import { baseUrl } from '../../kit/transports/http.ts'
import type { App } from '../app.ts'
import type { Performed } from './perform.ts'

/**
 * Why a connection does not work, step by step from the name of the vendor's server to the clocks of both sides. What
 * could not be looked at, because a step before it failed, is left out.
 */
export type Step = {
  step: 'name' | 'reach' | 'certificate' | 'credentials' | 'permission' | 'clock'
  ok: boolean
  detail: string
}

const SOON_MS = 14 * 24 * 60 * 60 * 1000
const MOST_SKEW_MS = 60_000

export async function diagnose(app: App, opened: Opened, performed: Performed): Promise<Step[]> {
  const now = app.clock.now()
  const seen = await app.egress.inspect(baseUrl(opened))
  if (seen === null) return []
  const { host, addresses, failure, certificate } = seen
  const answered = performed.response
  return [
    addresses.length > 0
      ? { step: 'name', ok: true, detail: `${host} is ${addresses.join(', ')}` }
      : { step: 'name', ok: false, detail: `${host} has no address; check the base URL` },
    { step: 'reach', ok: failure === null, detail: failure ?? `${host} takes connections` },
    ...(certificate ? [certificateStep(certificate, now)] : []),
    ...(answered ? answerSteps(answered, now) : []),
  ]
}

function certificateStep(
  { subject, issuer, valid_to }: { subject: string; issuer: string; valid_to: Date },
  now: Date,
): Step {
  const left_ms = valid_to.getTime() - now.getTime()
  const whose = `the certificate of ${subject}, by ${issuer}, ends ${valid_to.toISOString()}`
  return { step: 'certificate', ok: left_ms > SOON_MS, detail: left_ms > SOON_MS ? whose : `${whose}: soon` }
}

function answerSteps(
  { status, headers }: { status: number; headers: Record<string, string> },
  now: Date,
): Step[] {
  const known = status !== 401
  const may = status !== 403
  return [
    {
      step: 'credentials',
      ok: known,
      detail: known ? 'the vendor took them' : 'the vendor answered 401: it does not know these credentials',
    },
    ...(known
      ? [
          {
            step: 'permission' as const,
            ok: may,
            detail: may
              ? 'the vendor lets them read'
              : 'the vendor answered 403: it knows these credentials and does not let them read this',
          },
        ]
      : []),
    ...clockStep(headers['date'], now),
  ]
}

/** Signatures and tokens carry times: what is minutes apart is refused as forged or expired. */
function clockStep(date: string | undefined, now: Date): Step[] {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return []
  const apart_ms = now.getTime() - theirs
  const seconds = Math.round(Math.abs(apart_ms) / 1000)
  const ok = Math.abs(apart_ms) < MOST_SKEW_MS
  const which = apart_ms > 0 ? 'ahead of' : 'behind'
  const detail = ok ? 'the clocks agree' : `our clock is ${seconds} s ${which} the vendor's; set it by NTP`
  return [{ step: 'clock', ok, detail }]
}
