import type { EgressRequest, EgressResult } from '../platform/egress/egress.ts'
import { hidePersonal } from './personal.ts'
import { type Provider, perSettings } from './provider.ts'
import { type Opened, storable } from './transports/http.ts'
import { textMember } from './wire_json.ts'

/** Where a vendor says under which id it has a call in its own books: a header (lower case), or a member of the body. */
export type ReferencePlace = { header: string } | { member: string }

/** Looked for where the manifest names none, or where what it names is not there; the first that is. */
const USUAL_HEADERS = [
  'request-id',
  'x-request-id',
  'x-fapi-interaction-id',
  'x-correlation-id',
  'x-amzn-requestid',
  'x-amz-request-id',
  'x-github-request-id',
  'x-ms-request-id',
  'x-trace-id',
]

/** As long as what things are found by. */
const FITS = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/

/**
 * The vendor's own id of this attempt, by which its support finds it; where it told none, the id that it was given to
 * know the attempt by. Null where there is neither, and where the text is none that a record may show.
 */
export function referenceOf(opened: Opened, request: EgressRequest, result: EgressResult): string | null {
  const { provider, settings } = opened
  const ours = provider.mirrored_header ?? perSettings(provider.traced_header ?? null, settings)
  const told = result.kind === 'response' ? toldIn(provider, result) : undefined
  const given = ours && (result.kind === 'response' || result.sent) ? request.headers[ours] : undefined
  const reference = told ?? given
  return reference !== undefined && FITS.test(reference) && mayBeShown(opened, reference) ? reference : null
}

type Response = Extract<EgressResult, { kind: 'response' }>

function toldIn({ reference }: Provider, { headers, body }: Response): string | undefined {
  const own =
    reference && ('header' in reference ? headers[reference.header] : memberOf(body, reference.member))
  if (own) return own
  for (const name of USUAL_HEADERS) if (headers[name]) return headers[name]
  return undefined
}

const memberOf = (body: Buffer, name: string): string | undefined =>
  textMember(body.toString(), name) ?? undefined

/** Some vendors give back what they were sent, and that may be a key or somebody's CPF. */
const mayBeShown = (opened: Opened, text: string): boolean =>
  hidePersonal(storable(opened, text), []) === text
