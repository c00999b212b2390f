import { parentPort } from 'node:worker_threads'
import jsonata from 'jsonata'
import { misfitsOf, Unjudged } from '../json_schema.ts'
import { READY, type Reckoned, type Task } from './bounded.ts'
import { fillTemplate } from './template.ts'
import { parseExact } from './values.ts'

/** The thread behind `bounded.ts`. Its main side ends it when it takes too long. */
const MOST_TEXT = 5_000_000
const MOST_KEPT = 100
const MOST_FAULTS = 20

const schemas = new Map<string, object>()
const expressions = new Map<string, jsonata.Expression>()

function remember<T>(kept: Map<string, T>, key: string, make: () => T): T {
  const known = kept.get(key)
  if (known) return known
  const made = make()
  if (kept.size >= MOST_KEPT) kept.clear()
  kept.set(key, made)
  return made
}

// A double where it says all the digits, else their text: an expression reckons with numbers.
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown
const readValue = (text: string): unknown =>
  parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && digitsOf(String(value)) !== digitsOf(source)
      ? source
      : value,
  )

/** 12.50 and 12.5 are the same digits; what has an exponent is compared as it stands. */
const digitsOf = (text: string): string =>
  text.includes('.') && !/e/i.test(text) ? text.replace(/\.?0+$/, '') : text

async function evaluate(expression: string, value: unknown): Promise<Reckoned> {
  const compiled = remember(expressions, expression, () => withBase64(jsonata(expression)))
  return asText(await compiled.evaluate(value))
}

/** JSONata's own way to base64 is by `Buffer`, which is taken away below. A letter is a byte, as it has it. */
function withBase64(compiled: jsonata.Expression): jsonata.Expression {
  for (const [name, turned] of Object.entries({ base64encode: btoa, base64decode: atob }))
    compiled.registerFunction(name, (text?: string) => (text === undefined ? text : turned(text)), '<s-:s>')
  return compiled
}

function asText(result: unknown): Reckoned {
  const text = JSON.stringify(result) ?? 'null'
  if (text.length > MOST_TEXT) return { ok: false, because: `gives more than ${MOST_TEXT} characters` }
  return { ok: true, text }
}

function readExpression(expression: string): Reckoned {
  jsonata(expression)
  return { ok: true, text: 'null' }
}

function validate(schema: object, value: unknown): Reckoned {
  // Each task brings a copy; the first is the one that is compiled. Who takes too long is ended, so no steps are counted.
  const known = remember(schemas, JSON.stringify(schema), () => schema)
  try {
    const misfits = misfitsOf(known, value, Number.POSITIVE_INFINITY)
    return { ok: true, text: JSON.stringify(misfits.slice(0, MOST_FAULTS).map(toFault)) }
  } catch (error) {
    if (error instanceof Unjudged) return { ok: false, because: error.message }
    throw error
  }
}

function toFault({ instancePath, message, params }: ReturnType<typeof misfitsOf>[number]) {
  const place = instancePath.slice(1).replaceAll('/', '.')
  const [missing] = params.requiredProperties ?? []
  if (missing !== undefined)
    return { field: place === '' ? missing : `${place}.${missing}`, reason: 'is missing' }
  const named = params.additionalProperty === undefined ? '' : ` (${params.additionalProperty})`
  return { field: place, reason: message + named }
}

async function reckon(task: Task): Promise<Reckoned> {
  try {
    switch (task.kind) {
      case 'expression':
        return await evaluate(task.expression, readValue(task.value))
      case 'template':
        return asText(fillTemplate(task.template, parseExact(task.value)))
      case 'validate':
        return validate(task.schema, readValue(task.value))
      case 'syntax':
        return readExpression(task.expression)
    }
  } catch (error) {
    const said = (error as { message?: unknown } | null)?.message
    return { ok: false, because: `fails: ${String(said ?? error).slice(0, 300)}` }
  }
}

/*
 * What an expression could reach if the library let it: nothing that makes code out of text, no module, no process,
 * and no object that a later task of another tenant would meet changed.
 */
function shut(): void {
  for (const made of [() => {}, async () => {}, function* () {}, async function* () {}])
    Object.defineProperty(Object.getPrototypeOf(made), 'constructor', { value: undefined })
  for (const name of ['process', 'fetch', 'WebSocket', 'navigator', 'require', 'Buffer'])
    Reflect.deleteProperty(globalThis, name)
  for (const shared of [Object, Array, String, Number, Boolean, RegExp, Date, Promise, Map, Set])
    Object.freeze(shared.prototype)
}

shut()
parentPort?.on('message', async (task: Task) => parentPort?.postMessage(await reckon(task)))
parentPort?.postMessage(READY)
