import { Button, Card, Grid, Group, SegmentedControl, Select, Stack, Switch } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconSend } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useSearchParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { refresh, useRead } from '../../api/hooks.ts'
import { useConnections } from '../../api/names.ts'
import { CopyCurl } from '../../parts/attempts.tsx'
import { ownCurl, ownFetch } from '../../parts/curl.ts'
import { Page, Shown } from '../../parts/page.tsx'
import { Outcome } from './outcome.tsx'
import { OperationFields, RequestFields, type TesterForm } from './request_fields.tsx'
import { SaveOperation } from './save_operation.tsx'
import { askedOf, type Draft, draftOf, EMPTY, isJson } from './tester_draft.ts'
import { useText } from './tester_text.ts'

/** Asks a vendor through a connection by hand: `?connection=` or `?call=` says what stands there at first. */
export function Component() {
  const say = useText()
  const [params] = useSearchParams()
  const id = params.get('call') ?? ''
  const call = useRead(['calls', id], () => ask(api.GET('/v1/calls/{id}', { params: { path: { id } } })), {
    enabled: id !== '',
  })
  const operation = params.get('operation')
  const blank: Draft = {
    ...EMPTY,
    connection_id: params.get('connection'),
    operation,
    how: operation ? 'operation' : 'request',
  }
  return (
    <Page title={say('title')} about={say('about')}>
      {id === '' ? (
        <Tester first={blank} />
      ) : (
        <Shown read={call}>{(one) => <Tester key={one.id} first={draftOf(one)} />}</Shown>
      )}
    </Page>
  )
}

function Tester({ first }: { first: Draft }) {
  const say = useText()
  const form = useForm<Draft>({
    initialValues: first,
    validate: {
      connection_id: (value) => (value ? null : say('required')),
      operation: (value, { how }) => (how === 'operation' && !value ? say('required') : null),
      path: (value, { how }) => (how === 'request' && !value.startsWith('/') ? say('required') : null),
      input: (value, { how }) => (how === 'request' || isJson(value) ? null : say('not_json')),
    },
  })
  const client = useQueryClient()
  const send = useMutation({
    mutationFn: (draft: Draft) =>
      ask(
        api.POST('/v1/connections/{id}/calls', {
          params: { path: { id: draft.connection_id ?? '' } },
          body: askedOf(draft),
        }),
      ),
    onSettled: () => refresh(client, ['calls']),
  })
  return (
    <Grid gap="lg">
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <form onSubmit={form.onSubmit((draft) => send.mutate(draft))}>
          <Stack gap="sm">
            <What form={form} />
            <Options form={form} />
            <Group>
              <Button type="submit" leftSection={<IconSend size={16} />} loading={send.isPending}>
                {say('send')}
              </Button>
              <Snippets draft={form.values} />
              {form.values.how === 'request' && <SaveOperation draft={form.values} />}
            </Group>
          </Stack>
        </form>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Card
          withBorder
          mih={240}
          aria-live="polite"
          pos={{ base: 'static', lg: 'sticky' }}
          top={72}
          mah={{ base: 'none', lg: 'calc(100dvh - 88px)' }}
          style={{ overflow: 'auto' }}
          tabIndex={0}
        >
          <Outcome answer={send.data} error={send.error} is_pending={send.isPending} />
        </Card>
      </Grid.Col>
    </Grid>
  )
}

function What({ form }: { form: TesterForm }) {
  const say = useText()
  const connections = useConnections()
  const { connection_id, how } = form.values
  const operations = useRead(
    ['operations', connection_id],
    () => ask(api.GET('/v1/connections/{id}/operations', { params: { path: { id: connection_id ?? '' } } })),
    { enabled: connection_id !== null },
  )
  return (
    <>
      <Select
        label={say('connection')}
        placeholder={say('choose')}
        searchable
        data={connections.map(({ id, name }) => ({ value: id, label: name }))}
        {...form.getInputProps('connection_id')}
      />
      <SegmentedControl
        aria-label={say('how')}
        value={how}
        onChange={(value) => form.setFieldValue('how', value === 'operation' ? 'operation' : 'request')}
        data={[
          { value: 'operation', label: say('by_operation') },
          { value: 'request', label: say('by_request') },
        ]}
      />
      {how === 'request' && <RequestFields form={form} />}
      {how === 'operation' && connection_id && (
        <Shown read={operations}>
          {({ data }) => (
            <OperationFields form={form} operations={data.filter(({ state }) => state === 'enabled')} />
          )}
        </Shown>
      )}
    </>
  )
}

function Options({ form }: { form: TesterForm }) {
  const say = useText()
  const one = (name: 'skip_cache' | 'wait' | 'trace' | 'later') => (
    <Switch size="xs" label={say(name)} {...form.getInputProps(name, { type: 'checkbox' })} />
  )
  return (
    <Group gap="md">
      {one('skip_cache')}
      {one('wait')}
      {one('later')}
      {!form.values.later && one('trace')}
    </Group>
  )
}

/** The same call for a shell and for a program. */
function Snippets({ draft }: { draft: Draft }) {
  const say = useText()
  if (!draft.connection_id || (draft.how === 'operation' && !isJson(draft.input))) return null
  const path = `/v1/connections/${draft.connection_id}/calls`
  const asked = askedOf(draft)
  return (
    <>
      <CopyCurl text={ownCurl(path, asked)} label={say('curl')} />
      <CopyCurl text={ownFetch(path, asked)} label={say('fetch')} />
    </>
  )
}
