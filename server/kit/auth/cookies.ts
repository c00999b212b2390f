/**
 * `name=value; name=value` of what a reply sets, `set-cookie` lines joined by a newline as egress has them. All of one
 * connection goes to one vendor, so neither domain nor path is looked at; a cookie that is taken back is left out.
 */
export function cookiesOf(set_cookie: string | undefined): string {
  const jar = new Map<string, string>()
  for (const line of (set_cookie ?? '').split('\n')) {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const [, name, value] = /^([^=\s]+)=([\x21-\x7e]*)$/.exec(pair) ?? []
    if (name === undefined || value === undefined) continue
    if (attributes.some((attribute) => /^max-age=(?:0|-\d+)$/i.test(attribute))) jar.delete(name)
    else jar.set(name, value)
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

/** The values alone, for what must not show them. */
export const cookieValues = (cookies: string): string[] =>
  cookies.split('; ').map((pair) => pair.slice(pair.indexOf('=') + 1))
