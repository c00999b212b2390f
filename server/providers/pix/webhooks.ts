import type { Field, Settings } from '../../kit/fields.ts'
import { type News, newsName } from '../../kit/news.ts'
import { addressToken, mutualTls, type SignatureScheme } from '../../kit/signatures.ts'
import { rawElements, rawMember } from '../../kit/wire_json.ts'
import { refundsIn, toPaymentOf, toRefund } from './translate.ts'
import type { Pix, PixMessage } from './wire.ts'

/**
 * What a PSP posts, unsigned, to the address it was given with `/pix`, `/rec` or `/cobr` behind: it is believed for the
 * certificate the PSP shows, or for a secret in the address.
 */
const MTLS = { verified_by: 'mtls' }

export const SOURCE_FIELDS: Field[] = [
  {
    key: 'verified_by',
    label: 'By what it is believed',
    hint: 'the certificate of the PSP, or a secret of ours in the path or in the query of the address',
    enum: ['mtls', 'path_token', 'query_token'],
    required: true,
  },
  {
    key: 'client_subjects',
    label: 'Subjects that may send',
    hint: 'of the PSP’s certificate, CN=… alone, or sha256: and its fingerprint; several separated by |',
    required: true,
    when: MTLS,
    example: 'CN=webhook.pix.example.com',
  },
  {
    key: 'client_header',
    label: 'Header that tells of the certificate',
    hint: 'put there by our own proxy; none where our own TLS port is called',
    pattern: '[A-Za-z0-9-]{1,100}',
    when: MTLS,
    example: 'x-ssl-client-subject',
  },
  {
    key: 'client_verified_header',
    label: 'Header with the verdict of that proxy',
    hint: 'SUCCESS where it verified the certificate (nginx: $ssl_client_verify)',
    pattern: '[A-Za-z0-9-]{1,100}',
    when: MTLS,
    example: 'x-ssl-client-verify',
  },
]

const said = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

export function signatureOf(settings: Settings): SignatureScheme {
  if (settings['verified_by'] === 'query_token') return addressToken('query', 'token')
  if (settings['verified_by'] === 'path_token') return addressToken('path')
  const subjects = String(settings['client_subjects'] ?? '')
  return mutualTls(
    said(settings['client_header'])?.toLowerCase() ?? null,
    subjects.split('|').filter((one) => one.trim() !== ''),
    said(settings['client_verified_header'])?.toLowerCase() ?? null,
  )
}

/** The one thing a message is about; one that groups several is about none in particular. */
function only<T>(all: readonly T[] | null | undefined): T | null {
  const [first, ...more] = all ?? []
  return first !== undefined && more.length === 0 ? first : null
}

/** The same Pix comes again when a refund of it has ended: then with more to tell. */
export const idOf = ({ pix }: PixMessage): string | null => only(pix)?.endToEndId ?? null

export function typeOf({ pix, recs, cobsr }: PixMessage): string | null {
  if (pix?.length) return pix.some((one) => refundsIn(one).length > 0) ? 'pix.devolucao' : 'pix'
  if (recs?.length) return 'rec'
  return cobsr?.length ? 'cobr' : null
}

export function aboutOf({ pix, recs, cobsr }: PixMessage): string | null {
  const one = only(pix)
  return one ? one.txid || one.endToEndId : (only(recs)?.idRec ?? only(cobsr)?.txid ?? null)
}

const idsOf = (one: Pix) => [
  one.endToEndId,
  one.txid,
  ...refundsIn(one).flatMap(({ id, rtrId }) => [id, rtrId]),
]

export const externalIdsOf = ({ pix, recs, cobsr }: PixMessage): (string | null | undefined)[] => [
  ...(pix ?? []).flatMap(idsOf),
  ...(recs ?? []).map(({ idRec }) => idRec),
  ...(cobsr ?? []).flatMap(({ txid, idRec }) => [txid, idRec]),
]

/** Of a Pix with a txid: how its payment is, and how each of its refunds is. What has none is told as it came. */
function newsOf(pix: Pix, as_it_came: string): News[] {
  const payment = toPaymentOf(pix)
  if (!payment) return [{ type: newsName('pix', 'received'), data: as_it_came }]
  const refunds = refundsIn(pix).map((one) => toRefund(one, payment.vendor_id))
  return [
    { type: 'payment.changed', payment },
    ...refunds.map((refund): News => ({ type: 'refund.changed', refund })),
  ]
}

const named = (word: string, status: string | null | undefined) =>
  newsName('pix', `${word}.${(status ?? 'changed').toLowerCase()}`)

export function toNews({ pix, recs, cobsr }: PixMessage, text: string): News[] {
  const parts = (name: string): string[] => rawElements(rawMember(text, name) ?? '')
  const [raw_pix, raw_recs, raw_cobsr] = [parts('pix'), parts('recs'), parts('cobsr')]
  return [
    ...(pix ?? []).flatMap((one, at) => newsOf(one, raw_pix[at] ?? '{}')),
    ...(recs ?? []).map((one, at) => ({ type: named('rec', one.status), data: raw_recs[at] ?? '{}' })),
    ...(cobsr ?? []).map((one, at) => ({ type: named('cobr', one.status), data: raw_cobsr[at] ?? '{}' })),
  ]
}
