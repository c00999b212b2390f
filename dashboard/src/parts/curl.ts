/** A request as a command for a shell; the key is left for whoever runs it. */
export type Curl = { method: string; url: string; headers?: Record<string, string>; body?: string | null }

export function toCurl({ method, url, headers = {}, body }: Curl): string {
  const lines = [
    `curl -X ${method} ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body ? [`--data-raw ${quoted(body)}`] : []),
  ]
  return lines.join(' \\\n  ')
}

/** A call to our own API, with the key taken from the environment. */
export const ownCurl = (path: string, body: unknown): string =>
  toCurl({
    method: 'POST',
    url: `${location.origin}${path}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body, null, 2),
  }).replace(' \\\n', ' \\\n  -H "authorization: Bearer $TRILHO_API_KEY" \\\n')

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
