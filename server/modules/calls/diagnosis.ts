import { quoted } from '../../kit/auth/asking.ts'
import { needsConsent, tokenUrl } from '../../kit/auth.ts'
import { parseReply } from '../../kit/replies.ts'
import { authOf, baseUrl, isTokenRefused, maskReply, type Opened } from '../../kit/transports/http.ts'
import { httpServer, serversOf } from '../../kit/transports/transport.ts'
import type { Inspection, Server } from '../../platform/egress/egress.ts'
import type { App } from '../app.ts'
import type { Performed } from './perform.ts'
import type { Response } from './pipeline.ts'

/**
 * Why a connection does not work, step by step from the names of the vendor's servers to the clocks of both sides, and
 * what to do about it. What could not be looked at, because a step before it failed, is left out.
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
  const servers = serversFor(opened, performed)
  const seen = await Promise.all(servers.map((server) => app.egress.inspect(server)))
  const way = seen.flatMap((one, n) => waySteps(one, { opened, is_tls: servers[n]?.tls != null, now }))
  return [
    ...way,
    ...unseenSteps(performed, way),
    ...accessSteps(opened, performed, way),
    ...clockStep(performed, now),
  ]
}

/** Where it lets itself in elsewhere, and was not let in, that is looked at too. */
function serversFor(opened: Opened, { turned_away }: Performed): Server[] {
  const servers = serversOf(opened)
  const url = turned_away?.by === 'authentication' ? tokenUrl(authOf(opened), baseUrl(opened)) : null
  if (url === null) return servers
  const door = httpServer(url, opened)
  const is_known = servers.some(({ host, port }) => host === door.host && port === door.port)
  return is_known ? servers : [...servers, door]
}

type About = { opened: Opened; is_tls: boolean; now: Date }

function waySteps({ host, addresses, failure, certificate, distrust }: Inspection, about: About): Step[] {
  if (addresses.length === 0) {
    return [
      {
        step: 'name',
        ok: false,
        detail: `${failure ?? `${host} has no address`}; check the name of the host`,
      },
    ]
  }
  const name: Step = { step: 'name', ok: true, detail: `${host} is ${addresses.join(', ')}` }
  if (failure !== null) {
    const remedy = /TRILHO_/.test(failure)
      ? ''
      : '; check its port, and whether a firewall lets this server there'
    return [name, { step: 'reach', ok: false, detail: failure + remedy }]
  }
  const reach: Step = { step: 'reach', ok: true, detail: `${host} takes connections` }
  return [name, reach, ...(about.is_tls ? [certificateStep({ certificate, distrust }, about)] : [])]
}

function certificateStep(
  { certificate, distrust }: Pick<Inspection, 'certificate' | 'distrust'>,
  { opened, now }: About,
): Step {
  const { subject, issuer, valid_to } = certificate ?? {}
  const ends = valid_to && `the certificate of ${subject}, by ${issuer}, ends ${valid_to.toISOString()}`
  if (distrust !== null && opened.settings['tls'] === 'encrypt' && ends)
    return { step: 'certificate', ok: true, detail: `${ends}; nobody checks it, as settings.tls is encrypt` }
  if (distrust !== null)
    return { step: 'certificate', ok: false, detail: distrust + remedyOf(opened, distrust) }
  const left_ms = (valid_to?.getTime() ?? 0) - now.getTime()
  if (left_ms > SOON_MS) return { step: 'certificate', ok: true, detail: String(ends) }
  return { step: 'certificate', ok: false, detail: `${ends}: soon; whoever runs that server has to renew it` }
}

function remedyOf({ provider }: Opened, distrust: string): string {
  if (/expired/.test(distrust)) return '; whoever runs that server has to renew it'
  const key = ['certificate_authority', 'authority'].find((one) =>
    provider.fields?.some(({ key }) => key === one),
  )
  return key !== undefined && /authority/.test(distrust) ? `, or give it as credentials.${key}` : ''
}

/** What a transport alone can see: the key of a host, or TLS inside of its own frames. */
function unseenSteps({ no_answer, error }: Performed, way: readonly Step[]): Step[] {
  if (no_answer !== 'tls' || way.some(({ step }) => step === 'certificate')) return []
  return [{ step: 'certificate', ok: false, detail: error ?? 'the server was not trusted' }]
}

const CHECK = 'check the credentials, and that they belong to this environment'

function accessSteps(opened: Opened, performed: Performed, way: readonly Step[]): Step[] {
  const { turned_away, response, state, no_answer, error } = performed
  const is_here = way.length === 0 // a folder of this machine
  const credentials = (ok: boolean, detail: string): Step => ({ step: 'credentials', ok, detail })
  const permission = (ok: boolean, detail: string): Step => ({ step: 'permission', ok, detail })
  if (turned_away?.by === 'authentication') {
    if (way.some(({ ok }) => !ok)) return []
    const words = error ?? 'no access'
    return [credentials(false, needsConsent(authOf(opened)) ? words : `${words}; ${CHECK}`)]
  }
  if (is_here && no_answer === 'refused_address') return [permission(false, error ?? 'not allowed')]
  if (!response) return []
  if (isUnknown(opened, response))
    return [credentials(false, `${unknownInWords(opened, response)}; ${CHECK}`)]
  const known = is_here ? [] : [credentials(true, takenInWords(opened))]
  if (response.status === 403) {
    const words = `the vendor answered 403${saidBy(opened, response)}: it does not let them read this`
    return [
      ...known,
      permission(false, `${words}; give them the permission, or have the test read something else`),
    ]
  }
  return state === 'succeeded'
    ? [...known, permission(true, 'the vendor lets them read what the test asks')]
    : []
}

/** Some say so with another status: a portal sends everybody it does not know back to its log-in page. */
function isUnknown(opened: Opened, response: Response): boolean {
  const { status, body } = response
  const refusal = status === 403 ? undefined : opened.provider.refusal?.(status, parseReply(body))
  if (status === 401 || refusal?.reason === 'credentials_refused') return true
  return tokenUrl(authOf(opened), '/') !== null && isTokenRefused({ ...opened, token: 'shown' }, response)
}

function unknownInWords(opened: Opened, response: Response): string {
  const { status } = response
  if (status > 299 && status < 400) return `the vendor answered ${status}, as it does to who is not logged in`
  return `the vendor answered ${status}${saidBy(opened, response)}: it does not know these credentials`
}

const takenInWords = ({ provider, ...opened }: Opened): string =>
  provider.transport === undefined && authOf({ provider, ...opened }).kind === 'none'
    ? 'this connection shows none'
    : 'the vendor did not refuse them'

/** The vendor's own words, where its answer has some. */
function saidBy(opened: Opened, response: Response): string {
  const told = membersOf(parseReply(Buffer.from(maskReply(opened, response).body)))
  const all = [told['message'], told['error'], membersOf(told['fault'])['message']]
  const words = all.find((one) => typeof one === 'string')
  return words === undefined ? '' : ` (${quoted(String(words))})`
}

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** Signatures and tokens carry times: what is minutes apart is refused as forged or expired. */
function clockStep({ response }: Performed, now: Date): Step[] {
  const theirs = Date.parse(response?.headers['date'] ?? '')
  if (Number.isNaN(theirs)) return []
  const apart_ms = now.getTime() - theirs
  const seconds = Math.round(Math.abs(apart_ms) / 1000)
  const ok = Math.abs(apart_ms) < MOST_SKEW_MS
  const which = apart_ms > 0 ? 'ahead of' : 'behind'
  const detail = ok ? 'the clocks agree' : `our clock is ${seconds} s ${which} the vendor's; set it by NTP`
  return [{ step: 'clock', ok, detail }]
}
