import { isUtf8 } from 'node:buffer'

const utf8 = new TextDecoder()

/**
 * Text as its writer meant it. What is UTF-8 is read as that, whatever it says of itself; else the `charset` of the
 * content type or the XML declaration name what it is, as older services of banks and public bodies do (ISO-8859-1), and
 * UTF-16 is known by its mark. Null where it is no text by either of them. A byte order mark is left out.
 */
export function textIn(body: Buffer, content_type: string | undefined): string | null {
  const named = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(content_type ?? '')?.[1]
  const is_wide = /^utf-?16/i.test(named ?? '') && body.includes(0) // which is UTF-8 too where it is ASCII
  if (isUtf8(body) && !is_wide) return utf8.decode(body)
  return decodedAs(markedIn(body), body) ?? decodedAs(named, body) ?? decodedAs(declaredIn(body), body)
}

function markedIn([first, second]: Buffer): string | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined
}

/** Up to there it is written in ASCII, whatever comes after. */
const declaredIn = (body: Buffer): string | undefined =>
  /^<\?xml\s[^>]*?\bencoding\s*=\s*["']([\w.:-]{1,40})["']/.exec(body.toString('latin1', 0, 200))?.[1]

/** In some of these any byte is a letter: a file that is said to be written in one is known by what no text holds. */
const NO_TEXT = /[\0-\x08\x0e-\x1a]/

function decodedAs(name: string | undefined, body: Buffer): string | null {
  if (name === undefined) return null
  try {
    const text = new TextDecoder(name, { fatal: true }).decode(body)
    return NO_TEXT.test(text) ? null : text
  } catch {
    return null // of no such name, or not written in it
  }
}
