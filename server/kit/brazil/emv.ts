import { type Refusal, refuse } from './refusal.ts'

/**
 * Data objects of EMV QRCPS, merchant-presented mode: two digits that name it, two that count the characters of its
 * value (01 to 99; characters, not bytes: «BRASÍLIA» counts 8), the value, and the next. A template is an object whose
 * value is written the same way.
 */
export type Objects = Map<string, string>

export const OBJECT_RULES = {
  object_id: 'An object is named by two digits.',
  object_length: 'The length of an object is written as 01 to 99.',
  object_overrun: 'An object goes on beyond the end of what holds it.',
  object_repeated: 'An object stands twice in one place.',
} as const

type ObjectRule = keyof typeof OBJECT_RULES

export const MOST_CHARACTERS = 99

/** The objects of a text, in order, or the rule that it breaks. `within` names the template for the reason. */
export function readObjects(text: string, within = ''): Objects | Refusal<ObjectRule> {
  const objects: Objects = new Map()
  const broken = (rule: ObjectRule, id: string) => refuse(rule, `${OBJECT_RULES[rule]} (${within}${id})`)
  for (let at = 0; at < text.length; ) {
    const id = text.slice(at, at + 2)
    if (!/^\d\d$/.test(id)) return broken('object_id', JSON.stringify(id))
    const length = text.slice(at + 2, at + 4)
    if (!/^(0[1-9]|[1-9]\d)$/.test(length)) return broken('object_length', id)
    const end = after(text, at + 4, Number(length))
    if (end === null) return broken('object_overrun', id)
    if (objects.has(id)) return broken('object_repeated', id)
    objects.set(id, text.slice(at + 4, end))
    at = end
  }
  return objects
}

/** Where `count` characters from `start` end; one beyond Unicode's first plane takes two places of a string. */
function after(text: string, start: number, count: number): number | null {
  let at = start
  for (let left = count; left > 0; left--) {
    const character = text.codePointAt(at)
    if (character === undefined) return null
    at += character > 0xffff ? 2 : 1
  }
  return at
}

export const countCharacters = (text: string): number => [...text].length

/** A value of 1 to 99 characters as an object; whoever writes it has counted. */
export const writeObject = (id: string, value: string): string =>
  `${id}${String(countCharacters(value)).padStart(2, '0')}${value}`
