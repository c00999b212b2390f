import { Box, Code, VisuallyHidden } from '@mantine/core'
import { texts } from '../text/text.ts'
import type { Attempt } from './attempts.tsx'
import { diff, type Line } from './diff.ts'
import { headerLines } from './headers.tsx'
import { format } from './json.tsx'

const useText = texts('difference', {
  en: { same: 'Nothing differs.', gone: 'only before', new: 'only after' },
  'pt-BR': { same: 'Nada difere.', gone: 'só antes', new: 'só depois' },
})

const SIGNS = { same: ' ', gone: '−', new: '+' } as const
const COLORS = {
  same: undefined,
  gone: 'var(--mantine-color-red-light)',
  new: 'var(--mantine-color-teal-light)',
} as const
/** Of what is alike, so many lines are shown around what is not. */
const AROUND = 3

/** Two texts line by line: what went and what came, by sign and colour. */
export function Difference({ before, after }: { before: string; after: string }) {
  const say = useText()
  const lines = diff(before, after)
  if (lines.every(({ kind }) => kind === 'same')) return <Code block>{say('same')}</Code>
  return (
    <Code block mah={420} style={{ overflow: 'auto' }} tabIndex={0}>
      {near(lines).map(({ kind, text, at }) => (
        <Box key={at} bg={COLORS[kind]} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          <span aria-hidden>{SIGNS[kind]}</span>{' '}
          {kind !== 'same' && <VisuallyHidden>{say(kind)} </VisuallyHidden>}
          {text}
        </Box>
      ))}
    </Code>
  )
}

function near(lines: Line[]): (Line & { at: number })[] {
  const differs = lines.map(({ kind }) => kind !== 'same')
  return lines
    .map((line, at) => ({ ...line, at }))
    .filter(({ at }) => differs.slice(Math.max(0, at - AROUND), at + AROUND + 1).includes(true))
}

/** An attempt as text, for comparing. */
export function describe(of: Attempt): string {
  return [
    `outcome: ${of.outcome}`,
    `status: ${of.status ?? '–'}`,
    `error: ${of.error ?? '–'}`,
    ...half('request', of.request_headers, of.request_body ?? null),
    ...half('response', of.response_headers, of.response_body),
  ].join('\n')
}

const half = (name: string, headers: Record<string, string> | null, body: string | null): string[] => [
  `— ${name} —`,
  ...headerLines(headers).split('\n').sort(),
  ...(body ? (format(body) ?? body).split('\n') : []),
]
