import { randomBytes } from 'node:crypto'
import type { Egress } from '../../../platform/egress/egress.ts'
import { refused, type Way } from '../conduct.ts'
import type { Opened } from '../http.ts'

/** A place with files, the same of each kind. Paths are parts joined by `/`, below the root; '' is the root itself. */
export type Entry = {
  path: string
  kind: 'file' | 'folder' | 'other'
  /** Bytes. Null of what is no file. */
  size: number | null
  /** RFC 3339. Null where the place does not say. */
  modified_at: string | null
}

export type Store = {
  /** What stands directly in a folder, by name in the order of their bytes, after the name `after`. */
  list(path: string, page: Page): Promise<{ entries: Entry[]; next: string | null }>
  /** Null where there is nothing. */
  stat(path: string): Promise<Entry | null>
  /** `length` bytes from `offset`, fewer at the end. */
  read(path: string, range: Range): Promise<{ bytes: Buffer; size: number }>
  /** All of it or nothing is seen at any moment. With `replace` false, what is there already is refused. */
  write(path: string, bytes: Buffer, replace: boolean): Promise<void>
  move(from: string, to: string, replace: boolean): Promise<void>
  /** Whether there was a file. */
  remove(path: string): Promise<boolean>
  close(): void
  /** Never kept; broken where the connection with the place ends, of which nobody else may hear. */
  lost?: Promise<never>
}

export type Page = { after: string | null; limit: number }
export type Range = { offset: number; length: number }

export type Opening = { egress: Egress; opened: Opened; url: URL; way: Way }

/** The parts of a path that stays below its root, whatever reads it. */
export function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  for (const part of parts) {
    const is_bad = /^\.{1,2}$/.test(part) || /[\\\x00-\x1f\x7f]/.test(part) || !part.isWellFormed()
    if (is_bad || Buffer.byteLength(part) > 255 || isTemporary(part)) {
      throw refused(400, 'bad_path', `${JSON.stringify(part)} cannot be part of a path`)
    }
  }
  return parts
}

export const nothingAt = (path: string) => refused(404, 'not_found', `there is no file ${path}`)
export const isFolder = (path: string) => refused(409, 'is_a_folder', `${path} is a folder`)
export const existsAt = (path: string) =>
  refused(409, 'exists', `${path} is there already; set replace to write over it`)

/** Where a file is written before it gets its name. Never listed, never named by a caller. */
export const temporaryName = (): string => `.trilho-${randomBytes(9).toString('hex')}.part`
export const isTemporary = (name: string): boolean => /^\.trilho-[0-9a-f]{18}\.part$/.test(name)

const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))

/** One page of the names that a folder holds. */
export function pageOf(
  all: readonly string[],
  { after, limit }: Page,
): { names: string[]; next: string | null } {
  const names = all
    .filter((name) => !isTemporary(name) && (after === null || byBytes(name, after) > 0))
    .sort(byBytes)
  const page = names.slice(0, limit)
  return { names: page, next: names.length > limit ? (page.at(-1) ?? null) : null }
}
