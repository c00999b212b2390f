import type { Egress } from '../../../platform/egress/egress.ts'
import type { Way } from '../conduct.ts'
import type { Opened } from '../http.ts'

/** A mail server and who asks it. */
export type Opening = { egress: Egress; opened: Opened; url: URL; way: Way }

export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

/** By the codes of Node and OpenSSL for what is wrong with a certificate or a handshake. */
export const isTlsError = (code: string): boolean =>
  /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/.test(code)
