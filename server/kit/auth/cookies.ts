/**
 * `name=value; name=value` of what a reply sets, `set-cookie` lines joined by a newline as egress has them. All of one
 * connection goes to one vendor, so neither domain nor path is looked at; a cookie that is taken back is left out.
 */
export function cookiesOf(set_cookie: string | undefined, now: Date): string {
  const jar = new Map<string, string>()
  for (const line of (set_cookie ?? '').split('\n')) {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const [, name, value] = /^([^=\s]+)=([\x21-\x7e]*)$/.exec(pair) ?? []
    if (name === undefined || value === undefined) continue
    if (isTakenBack(attributes, now)) jar.delete(name)
    else jar.set(name, value)
  }
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

/** By its age, or where that is not said by its day: RFC 6265, section 5.3. */
function isTakenBack(attributes: readonly string[], now: Date): boolean {
  const said = (name: RegExp) => attributes.findLast((attribute) => name.test(attribute))?.replace(name, '')
  const age = said(/^max-age\s*=\s*(?=-?\d+$)/i)
  if (age !== undefined) return Number(age) <= 0
  return Date.parse(said(/^expires\s*=\s*/i) ?? '') <= now.getTime()
}

/** The values alone, for what must not show them. */
export const cookieValues = (cookies: string): string[] =>
  cookies.split('; ').map((pair) => pair.slice(pair.indexOf('=') + 1))
