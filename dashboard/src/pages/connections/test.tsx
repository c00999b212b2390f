import { Alert, Anchor, Button, Center, Group, List, Loader, Stack, Text, ThemeIcon } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import type { paths } from '../../api/schema.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { duration } from '../../parts/figures.ts'
import { Wrong } from '../../parts/page.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import type { Connection } from './reads.ts'

const useText = texts('connection_test', {
  en: {
    title: 'Test of {{name}}',
    asking: 'Asking the vendor…',
    works: 'It works',
    fails: 'It does not work',
    again: 'Test again',
    call: 'See the call',
    took: 'Status {{status}} in {{time}}',
    no_answer: 'No answer in {{time}}',
    name: 'Address',
    reach: 'Reached',
    certificate: 'Certificate',
    credentials: 'Credentials',
    permission: 'Permission',
    clock: 'Clocks',
    good: 'good',
    bad: 'bad',
  },
  'pt-BR': {
    title: 'Teste de {{name}}',
    asking: 'Perguntando ao provedor…',
    works: 'Funciona',
    fails: 'Não funciona',
    again: 'Testar de novo',
    call: 'Ver a chamada',
    took: 'Status {{status}} em {{time}}',
    no_answer: 'Sem resposta em {{time}}',
    name: 'Endereço',
    reach: 'Alcance',
    certificate: 'Certificado',
    credentials: 'Credenciais',
    permission: 'Permissão',
    clock: 'Relógios',
    good: 'certo',
    bad: 'errado',
  },
})

type Report = paths['/v1/connections/{id}/test']['post']['responses'][200]['content']['application/json']

/** Tries the connection once it is opened, and says step by step what was found. */
export function TestDialog({ of, close }: { of: Pick<Connection, 'id' | 'name'>; close: () => void }) {
  const say = useText()
  const words = useWords()
  const client = useQueryClient()
  const { mutate, data, error, isPending } = useMutation({
    mutationFn: () => ask(api.POST('/v1/connections/{id}/test', { params: { path: { id: of.id } } })),
    onSettled: () => refresh(client, ['connections', 'calls']),
  })
  useEffect(() => mutate(), [mutate])
  return (
    <Dialog close={close} size="lg" title={say('title', { name: of.name })}>
      <Stack aria-live="polite">
        {isPending && (
          <Center mih={140}>
            <Stack align="center" gap="xs">
              <Loader />
              <Text c="dimmed">{say('asking')}</Text>
            </Stack>
          </Center>
        )}
        {!isPending && error && <Wrong error={error} />}
        {!isPending && data && <Found report={data} />}
        {!isPending && (
          <Group justify="flex-end">
            <Button variant="default" onClick={() => mutate()}>
              {say('again')}
            </Button>
            <Button onClick={close}>{words('close')}</Button>
          </Group>
        )}
      </Stack>
    </Dialog>
  )
}

function Found({ report }: { report: Report }) {
  const say = useText()
  return (
    <>
      <Alert color={report.ok ? 'teal' : 'red'} title={say(report.ok ? 'works' : 'fails')}>
        {report.message}
      </Alert>
      <List spacing="xs" size="sm" center={false}>
        {report.diagnosis.map(({ step, ok, detail }) => (
          <List.Item
            key={`${step} ${detail}`}
            icon={
              <ThemeIcon color={ok ? 'teal' : 'red'} size={20} radius="xl" variant="light">
                {ok ? (
                  <IconCheck size={14} aria-label={say('good')} />
                ) : (
                  <IconX size={14} aria-label={say('bad')} />
                )}
              </ThemeIcon>
            }
          >
            <Text span fw={600} size="sm">
              {say(step)}
            </Text>
            <Text size="sm" c="dimmed" style={{ wordBreak: 'break-word' }}>
              {detail}
            </Text>
          </List.Item>
        ))}
      </List>
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          {report.status === null
            ? say('no_answer', { time: duration(report.duration_ms) })
            : say('took', { status: report.status, time: duration(report.duration_ms) })}
        </Text>
        <Anchor component={Link} to={`/calls/${report.call_id}`} size="sm">
          {say('call')}
        </Anchor>
      </Group>
    </>
  )
}
