import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser'
import { fault } from './fault.ts'
import { isRecord, scalarText } from './values.ts'

/**
 * XML as JSON: an element is a member, its attributes are members that begin with `@`, text beside attributes is
 * `#text`, an element that stands several times is a list. Every value is text, so that no digit is lost. A document
 * type is refused, and with it every entity of its own; the five of XML and numeric ones are read.
 */
const MOST_DEPTH = 100

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false, // read below
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MOST_DEPTH,
})

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  processEntities: false, // written before
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
})

/** `lists` names elements that are lists even where they stand once. */
export function readXml(text: string, lists: readonly string[] = []): unknown {
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw fault('', 'is XML with a document type, which is not taken')
  const valid = XMLValidator.validate(text)
  if (valid !== true) throw fault('', `is no XML: ${valid.err.msg} (line ${valid.err.line})`)
  try {
    return decoded(withRoot(parser.parse(escaped(text))), lists, '')
  } catch (error) {
    throw fault('', `is no XML that can be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** One element, which everything else stands in. */
function withRoot(parsed: unknown): unknown {
  const roots = isRecord(parsed) ? Object.entries(parsed) : []
  const [[name, value] = ['#text', '']] = roots
  if (roots.length === 1 && name !== '#text' && !Array.isArray(value)) return parsed
  throw new Error('it has to be one element')
}

const SECTION = /<!--|<\?|<!\[CDATA\[/g
const ENDS: Readonly<Record<string, string>> = { '<!--': '-->', '<?': '?>', '<![CDATA[': ']]>' }
/** With the white space at its ends, which the parser would take away. */
const MARKED = /[&<>]|^\s|\s$/g

/** CDATA as the text that it is, else entities would be read where there are none: `<![CDATA[&amp;]]>` is `&amp;`. */
function escaped(text: string): string {
  if (!text.includes('<![CDATA[')) return text
  let plain = ''
  let from = 0
  SECTION.lastIndex = 0
  for (let found = SECTION.exec(text); found; found = SECTION.exec(text)) {
    const [begin] = found
    const inside = found.index + begin.length
    const end = text.indexOf(ENDS[begin] ?? '', inside)
    if (end < 0) break
    SECTION.lastIndex = end
    if (begin !== '<![CDATA[') continue
    const marked = text.slice(inside, end).replace(MARKED, (char) => `&#${char.codePointAt(0)};`)
    plain += text.slice(from, found.index) + marked
    from = end + 3
  }
  return plain + text.slice(from)
}

function decoded(value: unknown, lists: readonly string[], name: string): unknown {
  if (typeof value === 'string') return decodeEntities(value)
  if (Array.isArray(value)) return value.map((element) => decoded(element, [], ''))
  if (!isRecord(value)) return value
  const members = Object.entries(value).map(([key, member]) => {
    const path = name === '' ? key : `${name}.${key}`
    const read = Array.isArray(member)
      ? member.map((element) => decoded(element, lists, path))
      : decoded(member, lists, path)
    return [key, lists.includes(path) && !Array.isArray(read) ? [read] : read] as const
  })
  return Object.fromEntries(members)
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const decodeEntities = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi, (all, hex, digits, name) => {
    if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? all
    const code = hex === undefined ? Number(digits) : Number.parseInt(hex, 16)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
  })

// What XML calls a name, without the letters that few use.
const NAME = /^[A-Za-z_\u00c0-\uffff][\w.\u00b7-\uffff-]*(:[A-Za-z_\u00c0-\uffff][\w.\u00b7-\uffff-]*)?$/u
const NO_XML = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

/** An object with one member, the root; or any value, when `root` names one. */
export function writeXml(value: unknown, root: string | undefined): string {
  const document = root === undefined ? value : { [root]: value }
  const roots = isRecord(document) ? Object.keys(document) : []
  const [only = ''] = roots
  if (!isRecord(document) || roots.length !== 1 || Array.isArray(document[only]))
    throw fault('', 'must be an object with one member, the root of the XML; or name it with xml.root')
  return `<?xml version="1.0" encoding="UTF-8"?>${builder.build(written(document, '', 0))}`
}

/** Numbers as text and names that are names: what the builder writes down unseen. */
function written(value: unknown, path: string, depth: number): unknown {
  if (depth > MOST_DEPTH) throw fault(path, `nests deeper than ${MOST_DEPTH}`)
  if (Array.isArray(value)) return value.map((element, n) => writtenOf(element, `${path}.${n}`, depth + 1))
  if (!isRecord(value)) return textOf(value, path, MARKED_TEXT)
  const members = Object.entries(value).map(([key, member]) => {
    const place = path === '' ? key : `${path}.${key}`
    if (key === '#text') return [key, textOf(member, place, MARKED_TEXT)] as const
    if (key.startsWith('@')) return [named(key, place), textOf(member, place, MARKED_ATTRIBUTE)] as const
    return [named(key, place), written(member, place, depth + 1)] as const
  })
  return Object.fromEntries(members)
}

function writtenOf(element: unknown, path: string, depth: number): unknown {
  if (Array.isArray(element)) throw fault(path, 'is a list in a list, which XML has no names for')
  return written(element, path, depth)
}

function named(key: string, place: string): string {
  if (NAME.test(key.replace(/^@/, ''))) return key
  throw fault(place, 'is no name that XML takes')
}

// What a reader would take for markup, for a line break of its own, or in attributes for a space.
const MARKED_TEXT = /[&<>"'\r]/g
const MARKED_ATTRIBUTE = /[&<>"'\r\n\t]/g
const MARKS: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }

function textOf(value: unknown, path: string, marked: RegExp): string {
  if (value === null || value === undefined) return ''
  const text = scalarText(value)
  if (text === null) throw fault(path, 'is no text, number or truth value, and cannot stand there in XML')
  if (NO_XML.test(text)) throw fault(path, 'holds characters that XML does not take')
  return text.replace(marked, (char) => `&${MARKS[char] ?? `#${char.codePointAt(0)}`};`)
}
