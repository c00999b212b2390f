import type { Auth } from '../auth.ts'

/** Why a body that is passed on as it comes cannot be signed this way, with the remedy; null where nothing is in the way. */
export function whyNotStreamed(auth: Auth, base_url: string): string | null {
  if (auth.kind === 'hmac' && auth.signs.includes('{body')) {
    return 'this connection signs the body of each request, and of a stream only the end tells what it is'
  }
  if (auth.kind !== 'aws_sigv4') return null
  if (auth.service !== 's3')
    return `the signature of AWS for ${auth.service} holds the body, and of a stream only the end tells what it is`
  return base_url.startsWith('https://')
    ? null
    : 'S3 takes a body that is not signed over https:// only, and this connection has another base URL'
}
