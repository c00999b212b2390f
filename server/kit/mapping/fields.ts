import { fault } from './fault.ts'
import { EACH, findAll, listsOn, type Path, PathError, parsePath, putAt, without } from './paths.ts'
import { copyOf } from './values.ts'

/**
 * Field mapping. `fields` is written once, the vendor's path before ours, and read in both directions: on the way out
 * of a vendor from left to right, on the way in from right to left.
 */
export type Direction = 'in' | 'out'

export type MapStep = {
  kind: 'map'
  fields?: Record<string, string>
  /** Put at paths of the result where nothing stands. */
  defaults?: Record<string, unknown>
  /** Put at paths of the result, whatever stands there. */
  constants?: Record<string, unknown>
  /** What no field names: `keep` (default) or `drop`. */
  others?: 'keep' | 'drop'
}

type Pair = { from: Path; to: Path; name: string }

/** Throws a `StepFault` where a mapping cannot be meant. */
export function checkMap(step: MapStep): void {
  for (const direction of ['in', 'out'] as const) pairsOf(step, direction)
  for (const [what, values] of [
    ['defaults', step.defaults],
    ['constants', step.constants],
  ] as const)
    for (const path of Object.keys(values ?? {})) readPath(path, `${what}.${path}`)
}

export function mapFields(step: MapStep, input: unknown, direction: Direction): unknown {
  const pairs = pairsOf(step, direction)
  const paths = pairs.map(({ from }) => from)
  const kept = step.others === 'drop' ? undefined : without(input, paths)
  let output: unknown = kept === undefined && paths.some(({ length }) => length > 0) ? {} : copyOf(kept)
  for (const { from, to, name } of pairs) {
    for (const { value, at } of findAll(input, from)) output = put(output, to, copyOf(value), at, name)
  }
  for (const [path, value] of Object.entries(step.defaults ?? {})) output = fill(output, path, value, true)
  for (const [path, value] of Object.entries(step.constants ?? {})) output = fill(output, path, value, false)
  return output
}

function pairsOf({ fields = {} }: MapStep, direction: Direction): Pair[] {
  const taken = new Set<string>()
  return Object.entries(fields).map(([vendor, ours]) => {
    const field = `fields.${vendor}`
    if (taken.has(ours)) throw fault(field, `goes to ${ours}, as another field does`)
    taken.add(ours)
    const [left, right] = [readPath(vendor, field), readPath(ours, field)]
    if (listsOn(left) !== listsOn(right)) throw fault(field, 'must have as many [] on both sides')
    return direction === 'out'
      ? { from: left, to: right, name: ours }
      : { from: right, to: left, name: vendor }
  })
}

export function readPath(text: string, field: string): Path {
  try {
    return parsePath(text)
  } catch (error) {
    if (error instanceof PathError) throw fault(field, error.message)
    throw error
  }
}

export function put(
  root: unknown,
  path: Path,
  value: unknown,
  at: readonly number[] = [],
  name = '',
): unknown {
  try {
    return putAt(root, path, value, at)
  } catch (error) {
    if (error instanceof PathError) throw fault(name, error.message)
    throw error
  }
}

/** Changes every place that a path names, in each element of the lists on its way; `change` gets what stands there. */
export function changeAll(
  root: unknown,
  text: string,
  field: string,
  change: (value: unknown) => unknown,
): unknown {
  const path = readPath(text, field)
  const lists = path.lastIndexOf(EACH)
  const owners = findAll(root, path.slice(0, lists + 1))
  let output = root
  for (const { at, value } of owners) {
    const [found] = findAll(value, path.slice(lists + 1))
    const changed = change(found?.value)
    if (changed !== undefined && changed !== found?.value) output = put(output, path, changed, at, text)
  }
  return output
}

const fill = (root: unknown, path: string, value: unknown, if_absent: boolean): unknown =>
  changeAll(root, path, path, (there) =>
    if_absent && there !== undefined && there !== null ? undefined : copyOf(value),
  )
