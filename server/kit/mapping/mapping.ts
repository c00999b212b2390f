import { Problem, willPass } from '../../platform/errors.ts'
import { budgetTogether, compileFilter } from '../filter.ts'
import type { Spend } from '../pattern.ts'
import type { Reckoned, Reckoner } from './bounded.ts'
import { CONTENT_TYPES, convert } from './convert.ts'
import { type Fault, fault, StepFault } from './fault.ts'
import { checkMap, type Direction, mapFields, put, readPath } from './fields.ts'
import { checkFormat, formatFields } from './format.ts'
import { valueAt } from './paths.ts'
import type { Step } from './schema.ts'
import { checkTemplate, fillTemplate } from './template.ts'
import { copyOf, parseExact, toPlain } from './values.ts'

export { type Bounded, createBounded, type Reckoned, type Reckoner } from './bounded.ts'
export { StepFault } from './fault.ts'
export type { Direction } from './fields.ts'
export { Mapping, MappingName, MappingRef, Step, Steps } from './schema.ts'
export { fillTemplate } from './template.ts'
export { eachRaw, isDouble, parseExact, scalarText, toPlain } from './values.ts'
export { readXml, writeXml } from './xml.ts'

/**
 * Mapping as data: steps that turn one JSON value into another, each checked before it is kept and timed when it
 * runs. The steps are pure but for two: expressions and schemas run in `bounded` threads, and `enrich` asks a vendor
 * through what the caller hands in. Values are those of `parseExact`: no number loses a digit on the way.
 */
export type Enrich = Extract<Step, { kind: 'enrich' }>

export type Tools = {
  direction: Direction
  /** The threads, as the tenant may use them. */
  bounded: Reckoner
  /** The answer to an enriching call; what it throws is told as the fault of the step. */
  ask(step: Enrich, call: Record<string, unknown>): Promise<unknown>
  /** Keeps what each step was given and gave. */
  trace?: boolean
  monotonic(): number
}

export type StepReport = {
  kind: Step['kind']
  ok: boolean
  took_ms: number
  error?: string
  input?: unknown
  output?: unknown
}

export type Mapped = { steps: StepReport[] } & (
  | { ok: true; output: unknown; content_type: string | null }
  /**
   * `step` counts from 0; `faults` name places in the value it was given. `passing` is there where nothing is wrong
   * with that: a vendor that was asked is away or has no room, or too many others wait.
   */
  | { ok: false; step: number; faults: readonly Fault[]; passing?: Problem }
)

/** Refuses steps that could never run; `field` is where they stand in the request. */
export function checkSteps(steps: readonly Step[], field: string): void {
  for (const [n, step] of steps.entries()) {
    try {
      checkStep(step, `${field}.${n}`)
    } catch (error) {
      if (!(error instanceof StepFault)) throw error
      throw refusal(`${field}.${n}`, error.faults)
    }
  }
}

/** Refuses a template whose places could never be read; `field` is where it stands in the request. */
export function checkPlaces(template: unknown, field: string): void {
  try {
    checkTemplate(template, field)
  } catch (error) {
    if (!(error instanceof StepFault)) throw error
    throw toProblem(error.faults)
  }
}

/** As a Problem of the caller's: every place below `field` that is at fault, and why. */
export const refusal = (field: string, faults: readonly Fault[]): Problem =>
  toProblem(faults.map((one) => ({ ...one, field: one.field === '' ? field : `${field}.${one.field}` })))

function toProblem(errors: readonly Fault[]): Problem {
  const detail = errors.map(({ field, reason }) => `${field} ${reason}`).join('; ')
  return new Problem('invalid_request', { field: errors[0]?.field ?? '', detail, errors: [...errors] })
}

function checkStep(step: Step, place: string): void {
  if ('at' in step && step.at !== undefined) readPath(step.at, 'at')
  if (step.kind === 'map') checkMap(step)
  if (step.kind === 'format') checkFormat(step)
  if (step.kind === 'template') checkTemplate(step.template, 'template')
  if (step.kind === 'enrich') checkTemplate(step.call, 'call')
  if (step.kind === 'filter') compileFilter(step.where, `${place}.where`)
}

/** Never throws for what a step cannot do. */
export async function runMapping(steps: readonly Step[], input: unknown, tools: Tools): Promise<Mapped> {
  const reports: StepReport[] = []
  let value = input
  let content_type: string | null = null
  const filtering = budgetTogether()
  for (const [n, step] of steps.entries()) {
    const began = tools.monotonic()
    const report = (more: Partial<StepReport>): void => {
      const took_ms = Math.round((tools.monotonic() - began) * 1000) / 1000
      const traced = tools.trace ? { input: value } : {}
      reports.push({ kind: step.kind, ok: true, took_ms, ...traced, ...more })
    }
    try {
      const output = (await runStep(step, value, tools, filtering)) ?? null
      report(tools.trace ? { output } : {})
      value = output
      if (step.kind === 'convert') content_type = CONTENT_TYPES[step.to ?? 'value'] ?? content_type
    } catch (error) {
      const passing = error instanceof Problem && willPass(error) ? error : null
      const failed = passing ? fault(step.kind, passing.occurrence.detail) : error
      if (!(failed instanceof StepFault)) throw failed
      report({ ok: false, error: failed.message })
      return { ok: false, steps: reports, step: n, faults: failed.faults, ...(passing && { passing }) }
    }
  }
  return { ok: true, steps: reports, output: value, content_type }
}

function runStep(step: Step, value: unknown, tools: Tools, filtering: Spend): unknown {
  switch (step.kind) {
    case 'map':
      return mapFields(step, value, tools.direction)
    case 'format':
      return formatFields(step, value)
    case 'filter':
      return filterList(step, value, filtering)
    case 'template':
      return fillTemplate(step.template, value)
    case 'convert':
      return convert(step, value)
    case 'expression':
      return evaluate(step, value, tools)
    case 'validate':
      return validate(step, value, tools)
    case 'enrich':
      return enrich(step, value, tools)
  }
}

/** `filtering` is what all filters of a mapping may do: nothing else runs meanwhile. */
function filterList(
  { where, at = '' }: Extract<Step, { kind: 'filter' }>,
  value: unknown,
  filtering: Spend,
): unknown {
  const path = readPath(at, 'at')
  const list = valueAt(value, path)
  if (!Array.isArray(list)) throw fault(at, 'is no list that could be filtered')
  const matches = compileFilter(where)
  const fits = (element: unknown): boolean => {
    try {
      return matches(toPlain(element), filtering)
    } catch {
      throw fault(at, 'is too much for the filters of a mapping')
    }
  }
  return put(path.length === 0 ? value : copyOf(value), path, list.filter(fits), [], at)
}

async function evaluate(
  { expression, at = '' }: Extract<Step, { kind: 'expression' }>,
  value: unknown,
  { bounded }: Tools,
): Promise<unknown> {
  const reckoned = await bounded.run({ kind: 'expression', expression, value: JSON.stringify(value) })
  if (!reckoned.ok) throw notBegun(reckoned, '') ?? fault('expression', reckoned.because)
  const path = readPath(at, 'at')
  return put(path.length === 0 ? value : copyOf(value), path, parseExact(reckoned.text), [], at)
}

/** The problem that it was not reckoned for now; null where it cannot be. */
const notBegun = ({ because, passing }: Extract<Reckoned, { ok: false }>, what: string): Problem | null =>
  passing ? new Problem('overloaded', { detail: `${what}${because}`, retry_after_s: 1 }) : null

async function validate(
  { schema, at = '' }: Extract<Step, { kind: 'validate' }>,
  value: unknown,
  { bounded }: Tools,
): Promise<unknown> {
  const found = valueAt(value, readPath(at, 'at')) ?? null
  const faults = await faultsOf(bounded, schema, found)
  const places = faults.map(({ field, reason }) => ({ field: [at, field].filter(Boolean).join('.'), reason }))
  if (places.length > 0) throw new StepFault(places)
  return value
}

/**
 * Where a value does not fit a JSON Schema, up to twenty places; a schema that is none is a fault too. Throws where too
 * many others wait.
 */
export async function faultsOf(bounded: Reckoner, schema: object, value: unknown): Promise<Fault[]> {
  const reckoned = await bounded.run({ kind: 'validate', schema, value: JSON.stringify(value) })
  if (reckoned.ok) return JSON.parse(reckoned.text) as Fault[]
  const passing = notBegun(reckoned, 'the schema ')
  if (passing) throw passing
  return [{ field: '', reason: `the schema ${reckoned.because}` }]
}

async function enrich(step: Enrich, value: unknown, { ask }: Tools): Promise<unknown> {
  const call = fillTemplate(step.call, value, 'call') as Record<string, unknown>
  try {
    const answer = await ask(step, call)
    return put(copyOf(value), readPath(step.at, 'at'), answer, [], step.at)
  } catch (error) {
    if (error instanceof StepFault || !(error instanceof Problem)) throw error
    if (step.on_failure === 'skip') return value
    const { detail, retry_after_s } = error.occurrence
    const because = `failed: ${detail}`
    if (!willPass(error)) throw fault('enrich', because)
    throw new Problem(error.code, { detail: because, ...(retry_after_s !== undefined && { retry_after_s }) })
  }
}
