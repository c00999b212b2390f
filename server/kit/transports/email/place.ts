import type { Egress } from '../../../platform/egress/egress.ts'
import type { Way } from '../conduct.ts'
import type { Opened } from '../http.ts'

/** A mail server and who asks it. */
export type Opening = { egress: Egress; opened: Opened; url: URL; way: Way }

export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/**
 * Times of a mail client, longer than what is left of the call: whichever ended first would say what happened, and only
 * the call's own deadline knows that it was the time (a client tells of a connection that broke).
 */
export function patience({ left_ms }: Way) {
  const time_ms = left_ms() + 1_000
  return { connectionTimeout: time_ms, greetingTimeout: time_ms, socketTimeout: time_ms }
}

/** By the codes of Node and OpenSSL for what is wrong with a certificate or a handshake. */
export const isTlsError = (code: string): boolean =>
  /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/.test(code)
