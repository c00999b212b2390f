import { Box, Code, Group, Tabs, Text } from '@mantine/core'
import { useMemo } from 'react'
import { CopyCurl } from '../../parts/attempts.tsx'
import { toCurl } from '../../parts/curl.ts'
import { bytes, number } from '../../parts/figures.ts'
import { HeaderList, type Headers } from '../../parts/headers.tsx'
import { Body } from '../../parts/json.tsx'
import { useText } from './text.ts'

const MOST_DUMPED = 4_096
const PER_LINE = 16

type RawProps = { headers: Headers; body: string; url: string | null }

/** A webhook to the byte: its body, its headers, and the bytes themselves. `body` is base64. */
export function Raw({ headers, body, url }: RawProps) {
  const say = useText()
  const came = useMemo(() => Uint8Array.from(atob(body), (one) => one.charCodeAt(0)), [body])
  const text = useMemo(() => new TextDecoder().decode(came), [came])
  const curl = toCurl({ method: 'POST', url: url ?? '', headers: spoken(headers), body: text })
  return (
    <Tabs defaultValue="body" keepMounted={false}>
      <Group justify="space-between" wrap="wrap-reverse" mb="xs">
        <Tabs.List>
          <Tabs.Tab value="body">{say('body')}</Tabs.Tab>
          <Tabs.Tab value="headers">{say('headers')}</Tabs.Tab>
          <Tabs.Tab value="bytes">
            {say('bytes')} · {bytes(came.length)}
          </Tabs.Tab>
        </Tabs.List>
        {url !== null && <CopyCurl text={curl} />}
      </Group>
      <Tabs.Panel value="body">
        {text === '' ? <Text c="dimmed">{say('no_body')}</Text> : <Body text={text} />}
      </Tabs.Panel>
      <Tabs.Panel value="headers">
        <HeaderList of={headers} />
      </Tabs.Panel>
      <Tabs.Panel value="bytes">
        <Bytes of={came} />
      </Tabs.Panel>
    </Tabs>
  )
}

/** What curl writes itself is left out. */
const spoken = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      ['host', 'connection', 'content-length'].includes(name) ? [] : [[name, String(value)]],
    ),
  )

function Bytes({ of }: { of: Uint8Array }) {
  const say = useText()
  const dumped = useMemo(() => dump(of.subarray(0, MOST_DUMPED)), [of])
  return (
    <Box>
      <Code block mah={420} style={{ overflow: 'auto' }} tabIndex={0}>
        {dumped}
      </Code>
      {of.length > MOST_DUMPED && (
        <Text size="xs" c="dimmed">
          {say('more_bytes', { n: number(MOST_DUMPED), all: number(of.length) })}
        </Text>
      )}
    </Box>
  )
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** As hexdump has it: where, which bytes, and what of them is text. */
function dump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const some = [...bytes.subarray(at, at + PER_LINE)]
    const codes = some.map((byte) => hex(byte, 2)).join(' ')
    const text = some.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${hex(at, 6)}  ${codes.padEnd(PER_LINE * 3 - 1)}  ${text}`)
  }
  return lines.join('\n')
}
