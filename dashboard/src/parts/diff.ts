export type Line = { kind: 'same' | 'gone' | 'new'; text: string }

/** Texts above it are compared as a whole: the table of the comparison would grow with the square. */
const MOST_LINES = 1_500

/** Line by line, by the longest common subsequence. */
export function diff(before: string, after: string): Line[] {
  const a = before.split('\n')
  const b = after.split('\n')
  if (before === after) return a.map((text) => ({ kind: 'same', text }))
  if (a.length > MOST_LINES || b.length > MOST_LINES) return [...all('gone', a), ...all('new', b)]
  const common = lengths(a, b)
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] ?? '' })
      i += 1
      j += 1
    } else if ((common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)) {
      lines.push({ kind: 'gone', text: a[i] ?? '' })
      i += 1
    } else {
      lines.push({ kind: 'new', text: b[j] ?? '' })
      j += 1
    }
  }
  return [...lines, ...all('gone', a.slice(i)), ...all('new', b.slice(j))]
}

const all = (kind: Line['kind'], texts: string[]): Line[] => texts.map((text) => ({ kind, text }))

/** `[i][j]`: how many lines the texts from `i` and from `j` on have in common, in order. */
function lengths(a: string[], b: string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const row = table[i]
    const below = table[i + 1]
    if (!row || !below) continue
    for (let j = b.length - 1; j >= 0; j -= 1) {
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}
