import { Accordion, Alert, Button, CopyButton, Group, Stack, Tabs, Text } from '@mantine/core'
import { IconTerminal2 } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { texts } from '../text/text.ts'
import { toCurl } from './curl.ts'
import { Difference, describe } from './difference.tsx'
import { duration } from './figures.ts'
import { HeaderList } from './headers.tsx'
import { Body } from './json.tsx'
import { State } from './state.tsx'
import { Timing, type TimingOf } from './timing.tsx'
import { When } from './when.tsx'

const useText = texts('attempts', {
  en: {
    request: 'Request',
    response: 'Response',
    compare: 'Compare with attempt {{n}}',
    curl: 'Copy as curl',
    copied: 'Copied',
    attempt: 'Attempt {{n}}',
    none: 'Nothing was sent yet.',
    no_body: 'Without a body.',
    no_answer: 'No answer came.',
  },
  'pt-BR': {
    request: 'Requisição',
    response: 'Resposta',
    compare: 'Comparar com a tentativa {{n}}',
    curl: 'Copiar como curl',
    copied: 'Copiado',
    attempt: 'Tentativa {{n}}',
    none: 'Nada foi enviado ainda.',
    no_body: 'Sem corpo.',
    no_answer: 'Nenhuma resposta chegou.',
  },
})

/** What a call and a delivery have alike: one try at the other side. */
export type Attempt = {
  id: string
  number: number
  outcome: string
  status: number | null
  duration_ms: number
  timing?: TimingOf | null
  request_headers: Record<string, string>
  request_body?: string | null
  response_headers: Record<string, string> | null
  response_body: string | null
  error: string | null
  ended_at: string
}

type AttemptsProps = {
  list: Attempt[]
  /** Where it went, for a command that sends it again; `body` where an attempt does not keep what it sent. */
  target?: { method: string; url: string; body?: string | null }
  /** The command, where it is another than that. */
  curl?: (attempt: Attempt) => string
  /** What more there is to see of one. */
  more?: (attempt: Attempt) => ReactNode
}

/** Every attempt, the last one open: what was sent, what was answered, how long it took, what differed. */
export function Attempts({ list, target, curl = target && commandOf(target), more }: AttemptsProps) {
  const say = useText()
  const last = list.at(-1)
  const [open, setOpen] = useState<string[] | null>(null)
  if (!last) return <Text c="dimmed">{say('none')}</Text>
  return (
    <Accordion multiple variant="separated" value={open ?? [last.id]} onChange={setOpen}>
      {list.map((attempt, at) => (
        <Accordion.Item key={attempt.id} value={attempt.id}>
          <Accordion.Control>
            <Head of={attempt} />
          </Accordion.Control>
          <Accordion.Panel>
            <Detail of={attempt} before={list[at - 1]} curl={curl} more={more} />
          </Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  )
}

const commandOf =
  (target: NonNullable<AttemptsProps['target']>) =>
  ({ request_headers, request_body }: Attempt): string =>
    toCurl({ ...target, headers: request_headers, body: request_body ?? target.body ?? null })

function Head({ of }: { of: Attempt }) {
  const say = useText()
  return (
    <Group gap="sm" justify="space-between" pr="sm">
      <Group gap="sm">
        <Text fw={600} size="sm">
          {say('attempt', { n: of.number })}
        </Text>
        <State of={of.outcome} />
        {of.status !== null && <Text size="sm">HTTP {of.status}</Text>}
      </Group>
      <Group gap="sm">
        <Text size="sm">{duration(of.duration_ms)}</Text>
        <Text size="sm" c="dimmed" component="span">
          <When at={of.ended_at} exact />
        </Text>
      </Group>
    </Group>
  )
}

type DetailProps = Pick<AttemptsProps, 'curl' | 'more'> & { of: Attempt; before: Attempt | undefined }

function Detail({ of, before, curl, more }: DetailProps) {
  const say = useText()
  return (
    <Stack gap="sm">
      {of.error && (
        <Alert color={of.outcome === 'unknown' ? 'gray' : 'orange'} py="xs">
          {of.error}
        </Alert>
      )}
      {of.timing && <Timing of={of.timing} />}
      <Tabs defaultValue="response" keepMounted={false}>
        <Group justify="space-between" wrap="wrap-reverse">
          <Tabs.List>
            <Tabs.Tab value="response">{say('response')}</Tabs.Tab>
            <Tabs.Tab value="request">{say('request')}</Tabs.Tab>
            {before && <Tabs.Tab value="compare">{say('compare', { n: before.number })}</Tabs.Tab>}
          </Tabs.List>
          <Group gap="xs">
            {more?.(of)}
            {curl && <CopyCurl text={curl(of)} />}
          </Group>
        </Group>
        <Tabs.Panel value="response" pt="sm">
          <Half
            headers={of.response_headers}
            body={of.response_body}
            none={say(of.response_headers ? 'no_body' : 'no_answer')}
          />
        </Tabs.Panel>
        <Tabs.Panel value="request" pt="sm">
          <Half
            headers={of.request_headers}
            body={of.request_body ?? null}
            none={of.request_body === undefined ? null : say('no_body')}
          />
        </Tabs.Panel>
        {before && (
          <Tabs.Panel value="compare" pt="sm">
            <Difference before={describe(before)} after={describe(of)} />
          </Tabs.Panel>
        )}
      </Tabs>
    </Stack>
  )
}

type HalfProps = {
  headers: Record<string, string> | null
  body: string | null
  none: string | null
}

function Half({ headers, body, none }: HalfProps) {
  return (
    <Stack gap="sm">
      {headers && <HeaderList of={headers} />}
      {body ? (
        <Body text={body} />
      ) : (
        none && (
          <Text size="sm" c="dimmed">
            {none}
          </Text>
        )
      )}
    </Stack>
  )
}

export function CopyCurl({ text, label }: { text: string; label?: string }) {
  const say = useText()
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" leftSection={<IconTerminal2 size={14} />} onClick={copy}>
          {copied ? say('copied') : (label ?? say('curl'))}
        </Button>
      )}
    </CopyButton>
  )
}
