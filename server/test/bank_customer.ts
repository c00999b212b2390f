import { Agent, fetch } from 'undici'
import type { Bank } from '../sandbox/bank/bank.ts'

/** A customer of a bank with a browser: goes where they are sent, decides, and says where the bank sends them back to. */
export async function decide(
  url: string,
  { authority }: Pick<Bank, 'authority'>,
  decision: 'approve' | 'reject',
): Promise<string> {
  const dispatcher = new Agent({ connect: { ca: authority } })
  const jar = new Map<string, string>()
  let next: { url: string; form?: string } = { url }
  try {
    for (let hops = 0; hops < 12; hops++) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(next.url, {
        redirect: 'manual',
        dispatcher,
        headers: {
          cookie,
          ...(next.form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(next.form !== undefined && { method: 'POST', body: next.form }),
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        jar.set(name, value)
      }
      const text = await response.text()
      const location = response.headers.get('location')
      if (location === null && response.status === 200 && text.includes('name="decision"')) {
        next = { url: next.url, form: `decision=${decision}` }
        continue
      }
      if (location === null) throw new Error(`${next.url} answered ${response.status}: ${text}`)
      next = { url: new URL(location, next.url).href }
      if (new URL(next.url).origin !== new URL(url).origin) return next.url
    }
    throw new Error('the bank sends its customer round and round')
  } finally {
    await dispatcher.close()
  }
}

/** What the page at the end of a visit does with what stands behind the `#`. */
export function bringBack(callback: string, language = 'en'): Promise<Response> {
  const { origin, pathname, search, hash } = new URL(callback)
  const headers = { 'accept-language': language }
  if (hash.length < 2) return globalThis.fetch(callback, { headers, redirect: 'manual' })
  return globalThis.fetch(origin + pathname + search, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: hash.slice(1),
  })
}

/** What a connection to the bank is made of. */
export const connectionTo = ({ issuer, api, authority, registration }: Bank) => ({
  settings: {
    issuer,
    base_url: api,
    signing_key_id: registration.signing_key_id,
    organisation_id: registration.organisation_id,
  },
  credentials: {
    client_id: registration.client_id,
    signing_key: registration.signing_key,
    encryption_key: registration.encryption_key,
    certificate: registration.certificate,
    certificate_key: registration.certificate_key,
    certificate_authority: authority,
  },
})
