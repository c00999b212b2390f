import { Problem } from '../platform/errors.ts'
import { compareDecimals, type Decimal, readDecimal } from './decimal.ts'
import { compilePattern, type Spend } from './pattern.ts'
import { readJson } from './wire_json.ts'

/**
 * Which events a subscription takes, by their data: `{"payment.money.amount": {"$gte": 10000}}`. Fields are named by
 * paths or by nesting, and all that a filter names must hold. Where a list stands in the data, one fitting element
 * is enough; `$neq`, `$nin` and `$not` ask that there is none.
 *
 * A number in a filter is compared by value with numbers and with text that spells one, digit by digit and never
 * through a float. A text is equal to that text alone.
 */
export type Matches = (data: unknown, together?: Spend) => boolean

/** What holds of the values found at one place of the data: none where it is missing. */
type Holds = (found: unknown[], spend: Spend) => boolean

const MOST_CHARACTERS = 16_384
const MOST_DEPTH = 10
const MOST_CONDITIONS = 200
const MOST_ITEMS = 100
const MOST_PATTERN = 256
const MOST_SEGMENTS = 20
/** What one filter may do with one event: about 50 ms. */
const MOST_STEPS = 5_000_000
/** What all filters may do with one event together, a usual one a few dozen: about 200 ms. */
const MOST_STEPS_TOGETHER = 20_000_000

/** `path` is where in the filter, `reason` goes on from it. */
const fault = (path: string, reason: string) =>
  new Problem('invalid_request', { field: path, detail: `${path} ${reason}` })

/** A filter made ready; a Problem names where in `place` it is wrong. The function throws on data that is too much. */
export function compileFilter(filter: unknown, place = 'filter'): Matches {
  if (!isObject(filter)) throw fault(place, 'must be an object')
  if (JSON.stringify(filter).length > MOST_CHARACTERS) {
    throw fault(place, `must not be longer than ${MOST_CHARACTERS} characters`)
  }
  const holds = compile(filter, { path: place, depth: 0, count: { left: MOST_CONDITIONS, of: place } })
  return (data, together = () => {}) => {
    together(1) // where nothing is left, before anything is looked at
    const own = budget(MOST_STEPS)
    return holds([data], (steps) => {
      together(steps)
      own(steps)
    })
  }
}

/** For all that one event, or what one mapping is given, is held against. */
export const budgetTogether = (): Spend => budget(MOST_STEPS_TOGETHER)

/**
 * Whether the event goes to the subscription. What cannot be judged (data of a size no filter should read, or more
 * filters than there is time for) goes: a receiver can drop what it did not want, and cannot ask for what it never saw.
 */
export function takes(matches: Matches, data: () => unknown, together?: Spend): boolean {
  try {
    return matches(data(), together)
  } catch {
    return true
  }
}

/** Event data as filters read it: parsed once, and only when the first filter asks. */
export function lazily(text: string): () => unknown {
  let read: { data: unknown } | null = null
  return () => {
    read ??= { data: readJson(text) }
    return read.data
  }
}

function budget(most: number): Spend {
  let left = most
  return (steps) => {
    left -= steps
    if (left < 0) throw new Error('the data is too much for the filter')
  }
}

type At = { path: string; depth: number; count: { left: number; of: string } }

function compile(node: unknown, at: At): Holds {
  if (at.depth > MOST_DEPTH) throw fault(at.path, `must not nest deeper than ${MOST_DEPTH}`)
  if (at.count.left-- <= 0) throw fault(at.count.of, `must not have more than ${MOST_CONDITIONS} conditions`)
  if (Array.isArray(node))
    throw fault(at.path, 'must be a value or conditions; for one of several write {"$in": […]}')
  if (!isObject(node)) return equals(node, at)
  const keys = Object.keys(node)
  if (keys.length === 0 && at.depth > 0) throw fault(at.path, 'must not be empty')
  const inside = (key: string): At => ({ ...at, path: `${at.path}.${key}`, depth: at.depth + 1 })
  const own = keys.filter((key) => key.startsWith('$')).map((key) => operator(key, node[key], inside(key)))
  const fields = keys
    .filter((key) => !key.startsWith('$'))
    .map((key) => ({ path: segments(key, inside(key)), holds: compile(node[key], inside(key)) }))
  if (fields.length > 0) own.push(allFields(fields))
  return (found, spend) => own.every((holds) => holds(found, spend))
}

function segments(key: string, { path }: At): string[] {
  const parts = key.split('.')
  if (parts.includes('')) throw fault(path, 'must name a field, or a path of fields with dots between')
  if (parts.length > MOST_SEGMENTS) throw fault(path, `must not be longer than ${MOST_SEGMENTS} fields`)
  return parts
}

/** One element has to fit all the fields, as `{"items": {"sku": "A", "count": {"$gt": 1}}}` reads. */
function allFields(fields: { path: string[]; holds: Holds }[]): Holds {
  return (found, spend) => {
    const elements = found.flatMap((value) => (Array.isArray(value) ? value : [value]))
    const judged = elements.length > 0 ? elements : [undefined]
    return judged.some((element) =>
      fields.every(({ path, holds }) => holds(lookUp(element, path, spend), spend)),
    )
  }
}

/** The values at a path; a list on the way stands for each of its elements, unless the path counts into it. */
function lookUp(from: unknown, path: string[], spend: Spend): unknown[] {
  let found: unknown[] = [from]
  for (const name of path) {
    found = found.flatMap((value) => member(value, name))
    spend(found.length + 1)
  }
  return found
}

function member(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) {
    if (/^(0|[1-9][0-9]{0,8})$/.test(name)) return Number(name) < value.length ? [value[Number(name)]] : []
    return value.flatMap((element) => (Array.isArray(element) ? [] : member(element, name)))
  }
  return isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []
}

type Test = (value: unknown, spend: Spend) => boolean

/** Lists stand for their elements. */
const some =
  (test: Test): Holds =>
  (found, spend) =>
    found.some((value) => {
      const values = Array.isArray(value) ? value : [value]
      return values.some((one) => {
        spend(1)
        return test(one, spend)
      })
    })

const none =
  (holds: Holds): Holds =>
  (found, spend) =>
    !holds(found, spend)

const OPERATORS: Record<string, (operand: unknown, at: At) => Holds> = {
  $eq: equals,
  $neq: (operand, at) => none(equals(operand, at)),
  $gt: (operand, at) => compares(operand, at, (order) => order > 0),
  $gte: (operand, at) => compares(operand, at, (order) => order >= 0),
  $lt: (operand, at) => compares(operand, at, (order) => order < 0),
  $lte: (operand, at) => compares(operand, at, (order) => order <= 0),
  $in: isIn,
  $nin: (operand, at) => none(isIn(operand, at)),
  $exist: (operand, { path }) => {
    if (typeof operand !== 'boolean') throw fault(path, 'must be true or false')
    return (found) => found.length > 0 === operand
  },
  $startsWith: (operand, at) => onText(operand, at, (value, text) => value.startsWith(text)),
  $endsWith: (operand, at) => onText(operand, at, (value, text) => value.endsWith(text)),
  $regex: fitsPattern,
  $and: (operand, at) => {
    const all = list(operand, at).map((node, index) => compile(node, nested(at, index)))
    return (found, spend) => all.every((holds) => holds(found, spend))
  },
  $or: (operand, at) => {
    const any = list(operand, at).map((node, index) => compile(node, nested(at, index)))
    return (found, spend) => any.some((holds) => holds(found, spend))
  },
  $not: (operand, at) => none(compile(operand, at)),
}

function operator(name: string, operand: unknown, at: At): Holds {
  const make = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined
  if (!make) {
    throw fault(at.path, `is no operator; there are ${Object.keys(OPERATORS).join(' ')}`)
  }
  return make(operand, at)
}

const nested = (at: At, index: number): At => ({ ...at, path: `${at.path}.${index}`, depth: at.depth + 1 })

function list(operand: unknown, { path }: At): unknown[] {
  if (!Array.isArray(operand) || operand.length === 0 || operand.length > MOST_ITEMS) {
    throw fault(path, `must be a list of 1 to ${MOST_ITEMS}`)
  }
  return operand
}

function equals(operand: unknown, at: At): Holds {
  return some(equalTo(operand, at))
}

function isIn(operand: unknown, at: At): Holds {
  const tests = list(operand, at).map((item, index) => equalTo(item, nested(at, index)))
  return some((value, spend) => {
    spend(tests.length)
    return tests.some((test) => test(value, spend))
  })
}

function equalTo(operand: unknown, { path }: At): Test {
  if (typeof operand === 'number') {
    const wanted = numberOf(operand, path)
    return (value) => {
      const given = decimalOf(value)
      return given !== null && compareDecimals(given, wanted) === 0
    }
  }
  if (operand !== null && typeof operand === 'object') {
    throw fault(path, 'must be a text, a number, true, false or null')
  }
  return (value) => value === operand || (typeof value === 'number' && String(value) === operand)
}

/** Numbers by value, also where the filter spells one as text; other texts by their characters, as dates want it. */
function compares(operand: unknown, { path }: At, fits: (order: number) => boolean): Holds {
  if (typeof operand !== 'number' && typeof operand !== 'string') {
    throw fault(path, 'must be a number or a text')
  }
  const wanted = typeof operand === 'number' ? numberOf(operand, path) : readDecimal(operand)
  if (wanted) {
    return some((value) => {
      const given = decimalOf(value)
      return given !== null && fits(compareDecimals(given, wanted))
    })
  }
  return some((value) => typeof value === 'string' && fits(value < operand ? -1 : value > operand ? 1 : 0))
}

/** A number of the request went through a float; beyond 15 digits it may not be what was written. */
function numberOf(operand: number, path: string): Decimal {
  const read = readDecimal(String(operand))
  if (!read || read.digits.length > 15) {
    throw fault(path, 'has more than 15 digits: write it as text, "12345678901234567890.01"')
  }
  return read
}

const decimalOf = (value: unknown): Decimal | null =>
  typeof value === 'number' || typeof value === 'string' ? readDecimal(String(value)) : null

function onText(operand: unknown, { path }: At, test: (value: string, text: string) => boolean): Holds {
  if (typeof operand !== 'string' || operand === '') throw fault(path, 'must be a text')
  return some((value) => typeof value === 'string' && test(value, operand))
}

function fitsPattern(operand: unknown, { path }: At): Holds {
  if (typeof operand !== 'string' || operand === '' || operand.length > MOST_PATTERN) {
    throw fault(path, `must be a regular expression of 1 to ${MOST_PATTERN} characters`)
  }
  const finds = compilePattern(operand)
  if (typeof finds === 'string') throw fault(path, finds)
  return some((value, spend) => typeof value === 'string' && finds(value, spend))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
