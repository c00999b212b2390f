import { Anchor, Code, List, Stack, Table, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/**
 * As much of Markdown as our guides use: headings, paragraphs, lists, tables, code, bold and links. What it makes are
 * elements, never HTML from the text.
 */
export function Markdown({ text }: { text: string }) {
  const blocks = text.trim().split(/\n{2,}/)
  return (
    <Stack gap="sm">
      {blocks.map((block, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the text does not change
        <Block key={at} lines={block.split('\n')} />
      ))}
    </Stack>
  )
}

function Block({ lines }: { lines: string[] }) {
  const first = lines[0] ?? ''
  const heading = /^(#{1,4}) (.*)$/.exec(first)
  if (heading)
    return <Heading level={heading[1]?.length ?? 1} text={heading[2] ?? ''} below={lines.slice(1)} />
  if (first.startsWith('|')) return <Rows lines={lines} />
  if (first.startsWith('```')) return <Code block>{lines.slice(1, -1).join('\n')}</Code>
  if (/^(\d+\.|[-*]) /.test(first)) return <Items lines={lines} />
  return <Text size="sm">{inline(lines.join(' '))}</Text>
}

/** The page has the first heading already, so the text's own begin one below. */
function Heading({ level, text, below }: { level: number; text: string; below: string[] }) {
  return (
    <>
      {level > 1 && (
        <Title order={level === 2 ? 3 : 4} size="h5" mt="xs">
          {inline(text)}
        </Title>
      )}
      {below.length > 0 && <Block lines={below} />}
    </>
  )
}

function Items({ lines }: { lines: string[] }) {
  const items: string[] = []
  for (const line of lines) {
    const begun = /^(?:\d+\.|[-*]) (.*)$/.exec(line)
    // A line without a mark goes on with the item before it.
    items.push(begun ? (begun[1] ?? '') : `${items.pop() ?? ''} ${line.trim()}`)
  }
  return (
    <List type={/^\d/.test(lines[0] ?? '') ? 'ordered' : 'unordered'} size="sm" spacing={4} pr="md">
      {items.map((item) => (
        <List.Item key={item}>{inline(item)}</List.Item>
      ))}
    </List>
  )
}

const cellsOf = (line: string): string[] =>
  line
    .replace(/^\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))

function Rows({ lines }: { lines: string[] }) {
  const [head = '', , ...body] = lines
  return (
    <Table.ScrollContainer minWidth={420}>
      <Table withTableBorder verticalSpacing={6} fz="sm">
        <Table.Thead>
          <Table.Tr>
            {cellsOf(head).map((cell) => (
              <Table.Th key={cell}>{inline(cell)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {body.map((line) => (
            <Table.Tr key={line}>
              {cellsOf(line).map((cell, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: cells stand where they stand
                <Table.Td key={at}>{inline(cell)}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

const MARKS = /(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)\s]+\))/

function inline(text: string): ReactNode[] {
  return text.split(MARKS).map((part, at) => {
    const key = `${at}`
    if (part.startsWith('`')) return <Code key={key}>{part.slice(1, -1)}</Code>
    if (part.startsWith('**')) return <b key={key}>{part.slice(2, -2)}</b>
    const link = /^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(part)
    // A link to a file beside the guide leads nowhere from here: its words stay.
    if (link && !/^https:\/\//.test(link[2] ?? '')) return link[1]
    if (!link) return part
    return (
      <Anchor key={key} href={link[2]} target="_blank" rel="noreferrer" inherit>
        {link[1]}
      </Anchor>
    )
  })
}
