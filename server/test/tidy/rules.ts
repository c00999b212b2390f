import {
  AREAS,
  HARMLESS_NAMES,
  LONG,
  MAX_FILE_LINES,
  MAX_FUNCTION_LINES,
  OPEN_FOLDERS,
  ROOMS,
  SIDE_DOORS,
  SOCKET_FOLDERS,
  SOCKET_MODULES,
  TABLES,
} from './house.ts'
import { lineOf, readSource, type Source } from './scan.ts'

export type Finding = { file: string; line: number; rule: string; what: string; remedy: string }
type Rule = (source: Source) => Omit<Finding, 'file' | 'rule'>[]

/** Everything in `files` (path → text, paths from the root of the checkout) that breaks a rule of the house. */
export function findUntidy(files: Map<string, string>): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of files) {
    if (!path.endsWith('.ts')) continue
    const source = readSource(path, text)
    for (const [rule, look] of Object.entries(
      isFree(path) ? RULES_FOR_ALL : { ...RULES_FOR_ALL, ...RULES },
    )) {
      findings.push(...look(source).map((finding) => ({ file: path, rule, ...finding })))
    }
  }
  return [...findings, ...tablesWithoutOwner(files)]
}

export const printFinding = ({ file, line, rule, what, remedy }: Finding): string =>
  `${file}:${line} [${rule}] ${what}. ${remedy}`

/** Tests and benches look at everything from everywhere. */
const isFree = (path: string) => path.endsWith('.test.ts') || /^server\/(test|bench)\//.test(path)

const areaOf = (path: string): string => {
  const [, folder, ...rest] = path.split('/')
  return rest.length === 0 ? 'main' : (folder ?? '')
}

const downwards: Rule = (source) => {
  const area = areaOf(source.path)
  const may = AREAS[area]
  if (!may) {
    return [
      {
        line: 1,
        what: `server/${area} is no area of the house`,
        remedy: 'Put it in one of them, or name it in server/test/tidy/house.ts',
      },
    ]
  }
  return ours(source)
    .filter(({ target }) => areaOf(target) !== area && !may.includes(areaOf(target)))
    .map(({ target, at }) => ({
      line: lineOf(source.text, at),
      what: `${area} imports ${target}`,
      remedy: `Imports go down only, ${area} may import ${may.join(', ') || 'nothing of ours'}; let the caller hand it in`,
    }))
}

const oneDoor: Rule = (source) =>
  ours(source).flatMap(({ target, at }) => {
    const door = doorBetween(source.path, target)
    const has_side_door = SIDE_DOORS.some(({ file, from }) => file.test(target) && from.test(source.path))
    if (door === null || door === target || has_side_door) return []
    return [
      {
        line: lineOf(source.text, at),
        what: `${target} is imported from outside its folder`,
        remedy: `Import ${door}, and let it export what is needed`,
      },
    ]
  })

/** The door of the outermost folder around `target` that `from` stands outside of; null where there is none. */
function doorBetween(from: string, target: string): string | null {
  const parts = target.split('/').slice(0, -1)
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/')
    if (from.startsWith(`${folder}/`) || OPEN_FOLDERS.includes(folder)) continue
    return `${folder}/${parts[depth - 1]}.ts`
  }
  return null
}

const roomsInOrder: Rule = (source) => {
  const room = roomOf(source.path)
  if (room === null) return []
  const rank = ROOMS.indexOf(room)
  if (rank < 0)
    return [
      {
        line: 1,
        what: `the room ${room} has no place in the order`,
        remedy: 'Give it one in ROOMS of server/test/tidy/house.ts',
      },
    ]
  return ours(source).flatMap(({ target, at }) => {
    const other = roomOf(target)
    if (other === null || ROOMS.indexOf(other) <= rank) return []
    return [
      {
        line: lineOf(source.text, at),
        what: `${room} imports ${other}, which comes after it`,
        remedy: 'What must speak upwards writes a job, registered in main.ts',
      },
    ]
  })
}

const roomOf = (path: string) => /^server\/modules\/(\w+)/.exec(path)?.[1] ?? null

const ours = (source: Source) => source.imports.filter(({ target }) => target.startsWith('server/'))

/** `*` stands for the beginning of a file's name. */
function owns(owner: string, path: string): boolean {
  const [folder = '', ending] = owner.split('*')
  if (ending === undefined) return path === owner
  return path.startsWith(folder) && path.endsWith(ending) && !path.slice(folder.length).includes('/')
}

const ownTables: Rule = (source) =>
  tablesNamed(source)
    .filter(({ table }) => TABLES[table] !== undefined && !owns(TABLES[table], source.path))
    .map(({ table, at }) => ({
      line: lineOf(source.text, at),
      what: `the table ${table} is named`,
      remedy: `It belongs to ${TABLES[table]}: put the statement there and call it through the door`,
    }))

const IN_KYSELY =
  /\b(?:selectFrom|insertInto|updateTable|deleteFrom|innerJoin|leftJoin|mergeInto|table)\s*(?:<[^(]*>)?\(\s*(['"])(\w+)/g
const IN_SQL = /\b(?:from|join|into|update|table|using|truncate)\s+(?:only\s+)?(?:public\.)?"?([a-z_]+)"?/gi
const STATEMENT =
  /^\s*(?:--[^\n]*\n\s*)*(?:with|select|insert|update|delete|merge|copy|lock|truncate|alter|drop|create)\s[\s\S]*\b(?:from|into|set|table)\b/i

function tablesNamed({ text, code, strings }: Source): { table: string; at: number }[] {
  const kysely = [...text.matchAll(IN_KYSELY)]
    .filter(({ index }) => code[index] !== ' ')
    .map((found) => ({ table: found[2] ?? '', at: found.index }))
  const sql = strings
    .filter((string) => STATEMENT.test(string.text))
    .flatMap((string) =>
      [...string.text.matchAll(IN_SQL)].map((found) => ({
        table: found[1] ?? '',
        at: string.at + found.index,
      })),
    )
  return [...kysely, ...sql]
}

function tablesWithoutOwner(files: Map<string, string>): Finding[] {
  const made = [...files].flatMap(([file, text]) =>
    file.endsWith('.sql')
      ? [...text.matchAll(/^create table (?:if not exists )?(\w+)/gim)].map((found) => ({
          file,
          text,
          found,
        }))
      : [],
  )
  return made
    .filter(({ found }) => TABLES[found[1] ?? ''] === undefined)
    .map(({ file, text, found }) => ({
      file,
      line: lineOf(text, found.index),
      rule: 'own tables',
      what: `the table ${found[1]} belongs to nobody`,
      remedy: 'Name its owner in TABLES of server/test/tidy/house.ts',
    }))
}

const environment: Rule = (source) =>
  source.path === 'server/platform/config.ts'
    ? []
    : places(source, /\bprocess\s*\.\s*env\b/g).map((line) => ({
        line,
        what: 'process.env is read',
        remedy: 'Make it a key of server/platform/config.ts',
      }))

const sockets: Rule = (source) => {
  if (SOCKET_FOLDERS.some((folder) => source.path.startsWith(folder))) return []
  const remedy =
    'Send through app.egress; sockets are opened only in platform/egress, platform/database and kit/transports'
  const imported = source.imports
    .filter(
      ({ target, type_only, names }) => SOCKET_MODULES.test(target) && !type_only && !areHarmless(names),
    )
    .map(({ target, at }) => ({ line: lineOf(source.text, at), what: `${target} is imported`, remedy }))
  const called = places(source, /(?<![.\w])(?:fetch|new\s+(?:WebSocket|EventSource))\s*\(/g)
  return [...imported, ...called.map((line) => ({ line, what: 'a request is made with a global', remedy }))]
}

const areHarmless = (names: string) =>
  names.includes('{') &&
  names
    .replace(/[{}]/g, '')
    .split(',')
    .every((name) => name.trim() === '' || HARMLESS_NAMES.test(name.trim()))

const emptyNames: Rule = (source) => {
  const remedy = 'Name what it does or holds'
  const in_path = source.path
    .split('/')
    .filter((part) => /(^|[_.-])(utils?|helpers?|common|managers?|base|services?)($|[_.-])/i.test(part))
    .map((part) => ({ line: 1, what: `${part} says nothing`, remedy }))
  const declared =
    /\b(?:function|const|class|type|interface)\s+(\w*(?:Utils?|Helpers?|Managers?|Services?))\b/g
  const in_code = [...source.code.matchAll(declared)].map((found) => ({
    line: lineOf(source.code, found.index),
    what: `${found[1]} says nothing`,
    remedy,
  }))
  return [...in_path, ...in_code]
}

const shortFiles: Rule = ({ path, text }) => {
  const lines = text.trimEnd().split('\n').length
  if (lines <= MAX_FILE_LINES || LONG[path]) return []
  return [
    {
      line: MAX_FILE_LINES,
      what: `${lines} lines, more than ${MAX_FILE_LINES}`,
      remedy: 'Look for the second idea in it and give that a file',
    },
  ]
}

/** The code is formatted, so indentation says where a function ends. */
const shortFunctions: Rule = ({ path, code, text }) => {
  const [lines, named] = [code.split('\n'), text.split('\n')]
  return lines.flatMap((line, index) => {
    const indent =
      /^( *)(?:export )?(?:default )?(?:async )?(?:function\b|const \w+[^=]*= (?:async )?(?:<[^=]*>)?\()/.exec(
        line,
      )?.[1]
    if (indent === undefined) return []
    const length = lengthOf(lines.slice(index), indent.length)
    const name = /(?:function\*?|const) (\w+)/.exec(named[index] ?? '')?.[1] ?? 'default'
    // What stands in routes.ts, or in what was cut off from it, is a list of routes: long as a list is long.
    const is_list = /[/_]routes\.ts$/.test(path)
    if (length <= MAX_FUNCTION_LINES || LONG[`${path}#${name}`] || is_list) return []
    return [
      {
        line: index + 1,
        what: `${name} has ${length} lines, more than ${MAX_FUNCTION_LINES}`,
        remedy: 'Name its steps and make them functions',
      },
    ]
  })
}

/** From its first line to the one that closes it, or to the one before the next that stands as far left. */
function lengthOf(lines: string[], indent: number): number {
  const next = lines.findIndex(
    (line, index) =>
      index > 0 && /\S/.test(line) && line.search(/\S/) <= indent && !/^\s*\).*[{(]$/.test(line),
  )
  if (next < 0) return lines.length
  return /^\s*[})]/.test(lines[next] ?? '') ? next + 1 : next
}

const places = (source: Source, pattern: RegExp) =>
  [...source.code.matchAll(pattern)].map(({ index }) => lineOf(source.code, index))

const RULES_FOR_ALL: Record<string, Rule> = { names: emptyNames }
const RULES: Record<string, Rule> = {
  'imports go down': downwards,
  'one door': oneDoor,
  'order of rooms': roomsInOrder,
  'own tables': ownTables,
  'process.env': environment,
  sockets,
  'short files': shortFiles,
  'short functions': shortFunctions,
}
