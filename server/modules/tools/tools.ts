import { barcodeSvg } from '../../kit/brazil/bars.ts'
import { readBoleto } from '../../kit/brazil/boleto.ts'
import { composeBank, composeCollection } from '../../kit/brazil/boleto_compose.ts'
import { dateOf, daysOf } from '../../kit/brazil/days.ts'
import { readDocument } from '../../kit/brazil/document.ts'
import { drawSlip } from '../../kit/brazil/slip.ts'
import { Problem } from '../../platform/errors.ts'
import type { App } from '../app.ts'
import type { ComposeBoleto, DrawBoleto, ParseBoleto, ReadDocument } from './schema.ts'

/**
 * Tools: what Brazil's papers say, read and written for whoever holds a key. Nothing is stored and nobody is asked; a
 * text that is not what it should be is answered with the rule it breaks.
 */

export function parseBoleto(app: App, { text, reference_date }: ParseBoleto) {
  return readBoleto(text, readOn(app, reference_date))
}

/** What is composed reads back the same on the reference date, or is refused. */
export function composeBoleto(app: App, { reference_date, ...slip }: ComposeBoleto) {
  const day = readOn(app, reference_date)
  return slip.kind === 'bank' ? composeBank(slip, day) : composeCollection(slip, day)
}

export type Drawn = { type: string; bytes: Buffer }

/** The barcode as SVG, or the slip as PDF. What is no boleto throws `invalid_request`. */
export function drawBoleto(app: App, { text, format, reference_date, details = {} }: DrawBoleto): Drawn {
  const boleto = readBoleto(text, readOn(app, reference_date))
  if (!boleto.valid) {
    throw new Problem('invalid_request', {
      field: 'text',
      detail: `${boleto.reason} (${boleto.rule})`,
      errors: [{ field: 'text', reason: boleto.rule }],
    })
  }
  for (const field of ['due_date', 'document_date'] as const) checkDay(`details.${field}`, details[field])
  if (format === 'svg') return { type: 'image/svg+xml', bytes: Buffer.from(barcodeSvg(boleto.barcode)) }
  return { type: 'application/pdf', bytes: drawSlip(boleto, details) }
}

export const parseDocument = ({ text }: ReadDocument) => readDocument(text)

/** The day given, or today in UTC: only its decade matters. */
function readOn({ clock }: App, reference_date: string | undefined): string {
  checkDay('reference_date', reference_date)
  return reference_date ?? dateOf(Math.floor(clock.now().getTime() / 86_400_000))
}

function checkDay(field: string, date: string | undefined): void {
  if (date !== undefined && daysOf(date) === null)
    throw new Problem('invalid_request', {
      field,
      detail: `${field} is no day of the calendar; write YYYY-MM-DD.`,
    })
}
