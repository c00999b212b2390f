import { fault } from './fault.ts'
import { readPath } from './fields.ts'
import { findAll, listsOn, valueAt } from './paths.ts'
import { copyOf, isRecord, scalarText } from './values.ts'

/**
 * Payload templates without logic: JSON in whose texts `{{path}}` stands for a value. A text that is nothing else
 * becomes the value itself, of any type, or is left out where there is none; inside a longer text the value is put in
 * as text. What is put in is never read as a template again, and cannot leave its place in the JSON.
 */
const PLACE = /\{\{\s*([^{}]{1,200}?)\s*\}\}/g
const ONLY = /^\{\{\s*([^{}]{1,200}?)\s*\}\}$/
const MOST_DEPTH = 40

/** Throws a `StepFault` for a path that cannot be read. */
export function checkTemplate(template: unknown, field: string, depth = 0): void {
  if (depth > MOST_DEPTH) throw fault(field, `must not nest deeper than ${MOST_DEPTH}`)
  if (typeof template === 'string') {
    for (const [, path = ''] of template.matchAll(PLACE)) readPath(path, field)
  } else if (Array.isArray(template)) {
    for (const [n, element] of template.entries()) checkTemplate(element, `${field}.${n}`, depth + 1)
  } else if (isRecord(template)) {
    for (const [key, member] of Object.entries(template)) checkTemplate(member, `${field}.${key}`, depth + 1)
  }
}

/** Undefined where the whole template is one place, and nothing stands there. */
export function fillTemplate(template: unknown, input: unknown, field = 'template'): unknown {
  if (typeof template === 'string') return fillText(template, input, field)
  if (Array.isArray(template)) {
    return template
      .map((element, n) => fillTemplate(element, input, `${field}.${n}`))
      .filter((element) => element !== undefined)
  }
  if (!isRecord(template)) return template
  return Object.fromEntries(
    Object.entries(template)
      .map(([key, member]) => [key, fillTemplate(member, input, `${field}.${key}`)] as const)
      .filter(([, member]) => member !== undefined),
  )
}

function fillText(text: string, input: unknown, field: string): unknown {
  const only = ONLY.exec(text)?.[1]
  if (only !== undefined) return placed(only, input, field)
  return text.replace(PLACE, (_, path: string) => {
    const value = placed(path, input, field)
    if (value === undefined || value === null) return ''
    return scalarText(value) ?? JSON.stringify(value)
  })
}

/** With `[]` a path stands for the list of all it finds. */
function placed(text: string, input: unknown, field: string): unknown {
  const path = readPath(text, field)
  const found = listsOn(path) > 0 ? findAll(input, path).map(({ value }) => value) : valueAt(input, path)
  return copyOf(found)
}
