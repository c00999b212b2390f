import { getCACertificates } from 'node:tls'

/** The authorities that are trusted for TLS, in PEM: those of Node and of NODE_EXTRA_CA_CERTS. */
export const trustedAuthorities = (): string[] => getCACertificates('default')
