import { Box, Code, Group, SegmentedControl } from '@mantine/core'
import { useMemo, useState } from 'react'
import { texts } from '../text/text.ts'
import { Copy } from './copy.tsx'

const useText = texts('json', {
  en: { formatted: 'Formatted', raw: 'Raw', view: 'How it is shown' },
  'pt-BR': { formatted: 'Formatado', raw: 'Original', view: 'Como é mostrado' },
})

/** A body: formatted where it is JSON (numbers stay as they were written), or to the byte. */
export function Body({ text }: { text: string }) {
  const say = useText()
  const [view, setView] = useState('formatted')
  const formatted = useMemo(() => format(text), [text])
  const shown = view === 'formatted' && formatted !== null ? formatted : text
  return (
    <Box>
      <Group justify="space-between" mb={4}>
        {formatted !== null ? (
          <SegmentedControl
            size="xs"
            value={view}
            onChange={setView}
            aria-label={say('view')}
            data={[
              { value: 'formatted', label: say('formatted') },
              { value: 'raw', label: say('raw') },
            ]}
          />
        ) : (
          <span />
        )}
        <Copy text={shown} />
      </Group>
      <Code
        block
        mah={420}
        style={{ overflow: 'auto', whiteSpace: 'pre-wrap', wordBreak: 'break-word' }}
        tabIndex={0}
      >
        {shown}
      </Code>
    </Box>
  )
}

/** Indents JSON by its tokens alone: a number with more digits than a float holds is shown as it came. */
export function format(text: string): string | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  return text.replace(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+|\s+/g, (token, at: number) => {
    if (/^\s/.test(token)) return ''
    if (token === '{' || token === '[') {
      if (/^\s*[\]}]/.test(text.slice(at + 1))) return token
      depth += 1
      return token + line()
    }
    if (token === '}' || token === ']') {
      if (/[[{]\s*$/.test(text.slice(0, at))) return token
      depth -= 1
      return line() + token
    }
    if (token === ',') return token + line()
    return token === ':' ? ': ' : token
  })
}
