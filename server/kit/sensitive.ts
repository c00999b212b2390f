import { inMarkup, MASK } from './masking.ts'
import { endOfString, endOfValue, skipSpace } from './wire_json.ts'

/**
 * Members that a provider's manifest declares sensitive: `card.number` is a `number` inside of a `card`, however deep
 * that stands and however many lists are in between. They are hidden in JSON, in forms and queries, and in XML, where
 * the element of the last name is hidden wherever it is.
 */
export function hideSensitive(text: string, paths: readonly string[]): string {
  if (paths.length === 0) return text
  const { members, others } = rulesOf(paths)
  const begun = skipSpace(text, 0)
  const is_json = text[begun] === '{' || text[begun] === '['
  const hidden = is_json ? hideMembers(text, members) : text
  return others.reduce((left, hide) => hide(left), hidden)
}

type Rules = { members: string[][]; others: ((text: string) => string)[] }

const known = new WeakMap<readonly string[], Rules>()

function rulesOf(paths: readonly string[]): Rules {
  const before = known.get(paths)
  if (before) return before
  const members = paths.map((path) => path.split('.'))
  const made = { members, others: members.flatMap(othersOf) }
  known.set(paths, made)
  return made
}

const escaped = (name: string) => name.replace(/[-.]/g, '\\$&')
const OPEN = '(?:\\[|%5B|\\.)'
const CLOSE = '(?:\\]|%5D)?'
const PLACE = '(?:(?:\\[|%5B)\\d*(?:\\]|%5D))?'

/** `card[number]=`, encoded or not, and `card.number=`; and beside forms XML and multipart. */
function othersOf(names: string[]): Rules['others'] {
  const field = names.map((name) => escaped(name) + CLOSE + PLACE).join(OPEN)
  const in_form = new RegExp(`((?:^|[?&"]|${OPEN})${field}=)[^&\\s"]*`, 'gi')
  const inForm = (text: string) => (text.includes('=') ? text.replace(in_form, `$1${MASK}`) : text)
  return [inForm, inMarkup(escaped(names.at(-1) ?? ''), field)]
}

/** The text with the values of these members replaced and every other byte as it was; it may be cut off anywhere. */
function hideMembers(text: string, members: string[][]): string {
  const open: (string | null)[] = [] // the member that each open object or list is the value of
  let key: string | null = null
  let hidden = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') {
      open.push(key)
      key = null
    } else if (char === '}' || char === ']') open.pop()
    else if (char === ',') key = null
    if (char !== '"') continue
    const end = endOfString(text, at)
    const colon = skipSpace(text, end)
    const name = text.slice(at + 1, end - 1)
    at = end - 1
    if (text[colon] !== ':') continue
    key = name
    const start = skipSpace(text, colon + 1)
    at = start - 1
    if (!isAmong(members, open, name)) continue
    const stop = endOfValue(text, start)
    hidden += `${text.slice(from, start)}"${MASK}"`
    from = stop > start ? stop : text.length
    at = from - 1
  }
  return hidden + text.slice(from)
}

function isAmong(members: string[][], open: readonly (string | null)[], name: string): boolean {
  return members.some((names) => {
    if (names.at(-1) !== name) return false
    if (names.length === 1) return true
    const path = [...open.filter((above) => above !== null), name]
    return names.every((one, at) => path.at(at - names.length) === one)
  })
}
