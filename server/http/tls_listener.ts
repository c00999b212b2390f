import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import type { App, Http } from '../modules/app.ts'
import { StartError } from '../platform/start_error.ts'

/**
 * Webhooks over HTTPS from senders who show a certificate instead of signing, on a port of their own. What was shown
 * and is of the authorities named goes on as a header that no sender can send; whose source asks for none is served
 * without one. Nothing but webhooks is served here.
 */
export type TlsListener = { port: number; stop(): Promise<void> }

/** A name that no parser of HTTP lets through. */
const CERTIFICATE = ':client-certificate'

const FILES = { cert: 'server.pem', key: 'server.key', ca: 'client_ca.pem' }

/** Null where no port is set. */
export async function listenTls(http: Http, app: App): Promise<TlsListener | null> {
  const { webhook_tls_port: port, webhook_tls_dir: dir, host } = app.config
  if (port === undefined) return null
  const [cert, key, ca] = await Promise.all(Object.values(FILES).map((name) => readPem(dir ?? '', name)))
  const options = {
    cert,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2' as const,
  }
  const server = createServer({ ...options, requestTimeout: 60_000 }, (request, response) =>
    handOn(http, request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch((error: Error) => {
    throw new StartError(
      `${host}:${port} cannot be listened on: ${error.message}. Set TRILHO_WEBHOOK_TLS_PORT.`,
    )
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => stop(server, app.config.shutdown_grace_ms),
  }
}

async function readPem(dir: string, name: string): Promise<string> {
  return readFile(join(dir, name), 'utf8').catch((error: Error) => {
    const files = Object.values(FILES).join(', ')
    throw new StartError(`TRILHO_WEBHOOK_TLS_DIR must hold ${files}: ${error.message}`)
  })
}

function handOn(http: Http, request: IncomingMessage, response: ServerResponse): void {
  if (!request.url?.startsWith('/webhooks/')) {
    response.writeHead(404, { connection: 'close' }).end()
    return
  }
  const socket = request.socket as TLSSocket
  if (socket.authorized) request.headers[CERTIFICATE] = pemOf(socket.getPeerCertificate().raw)
  http.server.emit('request', request, response)
}

const pemOf = (raw: Buffer): string =>
  `-----BEGIN CERTIFICATE----- ${raw.toString('base64')} -----END CERTIFICATE-----`

async function stop(server: Server, grace_ms: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), grace_ms)
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  await closed
  clearTimeout(cut)
}
