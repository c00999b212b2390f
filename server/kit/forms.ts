import type { WebhookHeaders } from './signatures.ts'

/** `application/x-www-form-urlencoded`, which older webhooks are written in. */
export function isForm(headers: WebhookHeaders): boolean {
  const type = headers['content-type']
  return typeof type === 'string' && /^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(type)
}

/** Each field with all its values, in the order of the names (by code unit, as every signer sorts them). */
export function readForm(body: Buffer): [name: string, values: string[]][] {
  const fields = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(body.toString())) {
    const values = fields.get(name)
    if (values) values.push(value)
    else fields.set(name, [value])
  }
  return [...fields].sort(([one], [other]) => (one < other ? -1 : 1))
}

/** A form as JSON text: that of the field `json_in` where it is there, else an object of the fields as text. */
export function formAsJson(body: Buffer, json_in: string | null): string {
  const fields = readForm(body)
  const payload = fields.find(([name]) => name === json_in)?.[1][0]
  if (payload !== undefined) return payload
  return JSON.stringify(
    Object.fromEntries(fields.map(([name, values]) => [name, values.length === 1 ? values[0] : values])),
  )
}
