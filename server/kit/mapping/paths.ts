import { isRecord } from './values.ts'

/**
 * Where a value stands: `customer.name`, `items[0].sku`, and `items[].sku` for the one of each element. A dot or
 * bracket that belongs to a name is written with a backslash before it. The empty path is the whole value.
 */
export type Path = readonly Segment[]
type Segment = string | number | typeof EACH
export const EACH = Symbol('[]')

/** One value, and which elements of the lists on its way it was found in. */
export type Found = { value: unknown; at: readonly number[] }

export class PathError extends Error {}

const MOST_SEGMENTS = 20
/** A list can be made longer by writing beyond its end; no farther than this. */
const MOST_INDEX = 10_000
const TOKEN = /\.|\[(\d{0,5})\]|((?:\\.|[^.[\]\\])+)/y

/** Throws `PathError` with a reason that follows the path. */
export function parsePath(text: string): Path {
  const path: Segment[] = []
  TOKEN.lastIndex = 0
  let dot = true // whether a name may follow
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const [token, index, name] = TOKEN.exec(text) ?? []
    if (token === undefined) throw new PathError(`is not a path at "${text.slice(at, at + 10)}"`)
    if (name !== undefined && dot) path.push(nameOf(name))
    else if (index !== undefined && (at === 0 || !dot)) path.push(index === '' ? EACH : indexOf(index))
    else if (token !== '.' || dot) throw new PathError(`is not a path at "${text.slice(at, at + 10)}"`)
    dot = token === '.'
  }
  if (dot && path.length > 0) throw new PathError('must not end with a dot')
  if (path.length > MOST_SEGMENTS) throw new PathError(`must not be longer than ${MOST_SEGMENTS} names`)
  return path
}

function nameOf(written: string): string {
  const name = written.replace(/\\(.)/g, '$1')
  if (name === '__proto__') throw new PathError('must not name __proto__')
  return name
}

function indexOf(digits: string): number {
  const index = Number(digits)
  if (index > MOST_INDEX) throw new PathError(`must not count beyond ${MOST_INDEX}`)
  return index
}

/** How many lists it goes through element by element. */
export const listsOn = (path: Path): number => path.filter((segment) => segment === EACH).length

/** The value at a path without `[]`, undefined where there is none. */
export const valueAt = (value: unknown, path: Path): unknown => findAll(value, path)[0]?.value

/** What stands at the path, in order; nothing where it leads nowhere. */
export function findAll(value: unknown, path: Path): Found[] {
  let found: Found[] = [{ value, at: [] }]
  for (const segment of path) found = found.flatMap((one) => step(one, segment))
  return found
}

function step({ value, at }: Found, segment: Segment): Found[] {
  if (segment === EACH) {
    return Array.isArray(value) ? value.map((element, n) => ({ value: element, at: [...at, n] })) : []
  }
  const holds =
    typeof segment === 'number'
      ? Array.isArray(value) && segment < value.length
      : isRecord(value) && Object.hasOwn(value, segment)
  return holds ? [{ value: (value as Record<string | number, unknown>)[segment], at }] : []
}

/**
 * Puts `value` at the path of `root`, making the objects and lists on its way, and returns the root, which is changed;
 * `at` chooses the elements for `[]`. Throws `PathError` where something else stands in the way.
 */
export function putAt(root: unknown, path: Path, value: unknown, at: readonly number[] = []): unknown {
  const [first, ...rest] = path
  if (first === undefined) return value
  if (typeof first === 'string') {
    const into = root ?? {}
    if (!isRecord(into)) throw new PathError(`leads into what is no object, at ${first}`)
    into[first] = putAt(Object.hasOwn(into, first) ? into[first] : undefined, rest, value, at)
    return into
  }
  const into = root ?? []
  if (!Array.isArray(into)) throw new PathError('leads into what is no list')
  const [index = 0, deeper] = first === EACH ? [at[0], at.slice(1)] : [first, at]
  while (into.length < index) into.push(null)
  into[index] = putAt(into[index] ?? undefined, rest, value, deeper)
  return into
}

const GONE = Symbol('gone')

/** A copy of `value` without what stands at the paths, and without objects and lists that are empty for it. */
export function without(value: unknown, paths: readonly Path[]): unknown {
  const left = prune(value, paths)
  return left === GONE ? undefined : left
}

function prune(value: unknown, paths: readonly Path[]): unknown {
  if (paths.length === 0) return value
  if (paths.some((path) => path.length === 0)) return GONE
  if (Array.isArray(value)) return pruneList(value, paths)
  if (!isRecord(value)) return value
  const kept = Object.entries(value)
    .map(([key, member]) => [key, prune(member, below(paths, key))] as const)
    .filter(([, member]) => member !== GONE)
  const emptied = kept.length === 0 && Object.keys(value).length > 0
  return emptied ? GONE : Object.fromEntries(kept)
}

/** Elements keep their places, so that what is written beside them meets the right ones. */
function pruneList(list: readonly unknown[], paths: readonly Path[]): unknown {
  const kept = list.map((element, n) => prune(element, [...below(paths, EACH), ...below(paths, n)]))
  if (kept.length > 0 && kept.every((element) => element === GONE)) return GONE
  return kept.map((element, n) => (element !== GONE ? element : isRecord(list[n]) ? {} : null))
}

const below = (paths: readonly Path[], segment: Segment): Path[] =>
  paths.filter(([first]) => first === segment).map((path) => path.slice(1))
