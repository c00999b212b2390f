import { createHash } from 'node:crypto'
import { AwsV4Signer } from 'aws4fetch'
import type { EgressRequest } from '../../platform/egress/egress.ts'
import type { Credentials } from '../fields.ts'
import { credentialOf } from './credential.ts'

/** AWS Signature Version 4, for AWS and those that speak like it. */
export type SigV4 = {
  kind: 'aws_sigv4'
  /** Credential fields. The last belongs to temporary credentials. */
  access_key_id: string
  secret_access_key: string
  session_token: string | null
  region: string
  /** Of the signature: `s3`, `execute-api`, `sqs` … */
  service: string
}

export const SIGV4_HEADERS = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']

/** S3 takes a body that is not part of the signature, over TLS: what is streamed is not known when it is signed. */
const UNSIGNED = 'UNSIGNED-PAYLOAD'

export async function signV4(
  auth: SigV4,
  credentials: Credentials,
  request: EgressRequest,
  now: Date,
): Promise<EgressRequest> {
  const { url, method, headers, body, stream } = request
  const token = auth.session_token === null ? undefined : credentials[auth.session_token]
  const bytes = bytesOf(body)
  const hash = stream?.source ? UNSIGNED : sha256(bytes)
  const signer = new AwsV4Signer({
    url,
    method,
    // S3 wants the hash said; the library would sign "whatever the body is" instead.
    headers: { ...headers, ...(auth.service === 's3' && { 'x-amz-content-sha256': hash }) },
    body: bytes,
    accessKeyId: credentialOf(credentials, auth.access_key_id),
    secretAccessKey: credentialOf(credentials, auth.secret_access_key),
    ...(token !== undefined && { sessionToken: token }),
    region: auth.region,
    service: auth.service,
    allHeaders: true, // of those made here; nothing on the way changes them
    datetime: now.toISOString().replace(/[:-]|\.\d{3}/g, ''),
  })
  const signed = await signer.sign()
  return { ...request, url: String(signed.url), headers: Object.fromEntries(signed.headers) }
}

/** A copy of its own: a small Buffer is a window of a larger one. */
const bytesOf = (body: string | Buffer = '') => new Uint8Array(Buffer.from(body))

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
