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

/** The same call from a program. */
export const ownFetch = (
  path: string,
  body: unknown,
): string => `const response = await fetch('${location.origin}${path}', {
  method: 'POST',
  headers: {
    authorization: \`Bearer \${process.env.TRILHO_API_KEY}\`,
    'content-type': 'application/json',
  },
  body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')}),
})
const call = await response.json()`
