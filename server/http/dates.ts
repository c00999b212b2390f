import type { Ajv } from 'ajv'

/**
 * RFC 3339 lets a minute have a second 60, for leap seconds. No clock of ours has one: such a time passed its schema and
 * was no time to whoever read it.
 */
export function takeTimesAlone(ajv: Ajv): void {
  const { validate } = ajv.formats['date-time'] as { validate: (text: string) => boolean }
  ajv.addFormat('date-time', (text) => validate(text) && !Number.isNaN(Date.parse(text)))
}
