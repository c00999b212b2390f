/**
 * Reads a TypeScript file as far as the rules need: code with its comments and strings blanked, the strings, the
 * imports. Same length, same lines, so that every position is a position in the file.
 */
export type Source = {
  path: string
  text: string
  code: string
  strings: { text: string; at: number }[]
  imports: Import[]
}

export type Import = {
  /** The module's own path from the root of the checkout, or the package's name. */
  target: string
  names: string
  type_only: boolean
  at: number
}

export function readSource(path: string, text: string): Source {
  const { code, strings } = blank(text)
  return { path, text, code, strings, imports: findImports(path, text, code) }
}

export const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length

const REGEX_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};+]|=>|\breturn|\btypeof|\bcase)\s*$/

/** Every part of a file that is not plain code, told apart by how it begins. */
const PART =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`|\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y

function blank(text: string): Pick<Source, 'code' | 'strings'> {
  const strings: Source['strings'] = []
  let code = ''
  let at = 0
  while (at < text.length) {
    const end = endOfPart(text, at, code)
    if (end === at) {
      code += text[at++]
      continue
    }
    const part = text.slice(at, end)
    if (/^['"`]/.test(part)) strings.push({ text: part.slice(1, -1), at })
    code += part.replace(/[^\n]/g, ' ')
    at = end
  }
  return { code, strings }
}

/** `at` itself where plain code goes on. */
function endOfPart(text: string, at: number, before: string): number {
  PART.lastIndex = at
  const part = PART.exec(text)?.[0]
  if (part === undefined) return at
  if (part === '`') return endOfTemplate(text, at)
  const is_regex = part.startsWith('/') && !/^\/[/*]/.test(part)
  return is_regex && !REGEX_MAY_FOLLOW.test(before.slice(-40).trimEnd() || ';') ? at : at + part.length
}

/** Blanked whole, with the expressions inside: what they hold is seldom more than a name. */
function endOfTemplate(text: string, start: number): number {
  let depth = 0
  for (let at = start + 1; at < text.length; at++) {
    const here = text[at]
    if (here === '\\') at++
    else if (depth === 0 && here === '`') return at + 1
    else if (depth > 0 && here === '`') at = endOfTemplate(text, at) - 1
    else if (here === '$' && text[at + 1] === '{') [depth, at] = [depth + 1, at + 1]
    else if (depth > 0 && here === '{') depth++
    else if (depth > 0 && here === '}') depth--
  }
  return text.length
}

const IMPORT =
  /\b(?:import|export)\s+(type\s+)?([\w\s{},*$]*?)\s*\bfrom\s*(['"])([^'"\n]+)\3|\bimport\s*\(?\s*(['"])([^'"\n]+)\5/g

function findImports(path: string, text: string, code: string): Import[] {
  return [...text.matchAll(IMPORT)]
    .filter((found) => /\S/.test(code[found.index] ?? ' '))
    .map((found) => {
      const names = found[2] ?? ''
      const inner = names.replace(/[{}\s]+/g, ' ').trim()
      const each_is_type = inner !== '' && inner.split(',').every((name) => /^\s*(type\s|$)/.test(name))
      return {
        target: resolve(path, found[4] ?? found[6] ?? ''),
        names,
        type_only: found[1] !== undefined || each_is_type,
        at: found.index,
      }
    })
}

function resolve(path: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return new URL(specifier, `file:///${path}`).pathname.slice(1)
}
