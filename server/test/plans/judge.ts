import type { Explained, Node } from './listen.ts'

/** How a statement reached the rows of one table, over all its partitions. */
type Access = {
  table: string
  /** Rows that were read, and of these the ones that were thrown away. */
  touched: number
  filtered: number
  /** Partitions that were gone into. */
  relations: string[]
}

/** More than a page and its look-ahead, far less than what a tenant has. */
const MOST_TOUCHED = 300
const MOST_FILTERED = 150

export type Ground = {
  /** Relations, partitions included, with so many rows that reading them through is a mistake. */
  large: Set<string>
  /** Of each partitioned table. */
  partitions: Map<string, number>
  /** Tables of which a statement reads all that a tenant has, and why that is right. */
  whole: Record<string, string>
  /** Of each table, how many rows the proof's own days made, all within minutes: what looks at the last minutes meets them. */
  recent: Map<string, number>
}

/** Sentences about what is wrong with a plan; empty where it goes straight to its rows. */
export function judge(
  { role, text, plan }: Explained,
  { large, partitions, whole, recent }: Ground,
): string[] {
  const found: string[] = []
  const nodes = walk(plan)
  for (const node of nodes) {
    const relation = node['Relation Name'] ?? ''
    if (node['Node Type'] === 'Seq Scan' && large.has(relation))
      found.push(`reads ${relation} from end to end`)
  }
  for (const { table, touched, filtered, relations } of accessesOf(nodes, large)) {
    const lately = recent.get(table) ?? 0
    if (filtered > MOST_FILTERED + lately) found.push(`throws away ${filtered} rows of ${table}`)
    const count = partitions.get(table) ?? 0
    // Of a table of some pages PostgreSQL reads all, rightly; which has few rows here has few in every world.
    const is_small = count === 0 && !relations.some((name) => large.has(name))
    if (touched > boundOf(text) + lately && !is_small && !(table in whole))
      found.push(`reads ${touched} rows of ${table}`)
    if (count > 0 && relations.length > mostPartitions(text, count))
      found.push(`goes into ${relations.length} of ${count} partitions of ${table}`)
  }
  return found.map((sentence) => `${role} ${sentence}: ${text}\n${print(plan)}`)
}

/** What counts rows, or passes them by, says in its text how far: `limit 10000)`, `offset 4999`. */
const boundOf = (text: string): number =>
  Math.max(
    MOST_TOUCHED,
    ...[...text.matchAll(/\b(?:limit (\d+)\)|offset (\d+))/g)].map(
      ([, limit, offset]) => Number(limit ?? offset) + 1,
    ),
  )

/** An id says when: the record's own leads to its partition (two at midnight), another's or a bound leaves some out. */
function mostPartitions(text: string, count: number): number {
  if (/\bid"? = /.test(text)) return 2
  return /\bid"? [<>]|\b(event|delivery|call|message)_id"? = /.test(text) ? count - 1 : count
}

/** What is thrown away of a relation with few rows, such as a partition of yesterday's last hours, is read along, rightly. */
function accessesOf(nodes: Node[], large: Set<string>): Access[] {
  const inVain = (node: Node): number => (large.has(node['Relation Name'] ?? '') ? thrownAway(node) : 0)
  const scans = nodes.filter(
    (node) => node['Relation Name'] && /Scan$/.test(node['Node Type']) && loopsOf(node) > 0,
  )
  const by_table = Map.groupBy(scans, (node) => tableOf(node['Relation Name'] ?? ''))
  return [...by_table].map(([table, of_table]) => ({
    table,
    touched: sum(of_table, (node) => rowsOf(node) + inVain(node)),
    filtered: sum(of_table, inVain),
    relations: [...new Set(of_table.map((node) => node['Relation Name'] ?? ''))],
  }))
}

const walk = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(walk)]
const sum = (nodes: Node[], of: (node: Node) => number): number =>
  nodes.reduce((total, node) => total + of(node), 0)
const loopsOf = (node: Node): number => node['Actual Loops'] ?? 0
const rowsOf = (node: Node): number => (node['Actual Rows'] ?? 0) * loopsOf(node)
const thrownAway = (node: Node): number =>
  ((node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) * loopsOf(node)

/** `event` for its partition `event_20260131`. */
const tableOf = (relation: string): string => relation.replace(/_\d{8}$/, '')

function print(node: Node, depth = 1): string {
  const { 'Node Type': type, 'Relation Name': relation = '', 'Index Name': index = '' } = node
  const line = `${'  '.repeat(depth)}${type} ${relation} ${index} rows ${rowsOf(node)}, thrown away ${thrownAway(node)}, times ${loopsOf(node)}`
  return [line, ...(node.Plans ?? []).map((inner) => print(inner, depth + 1))].join('\n')
}
