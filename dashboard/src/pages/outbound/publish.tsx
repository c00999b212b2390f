import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { IconSpeakerphone } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { JsonField } from '../../parts/json_field.tsx'
import { Wrong } from '../../parts/page.tsx'
import { useText } from './event_text.ts'

/** Publishes an event by hand, beginning with the example of its type. */
export function Publish() {
  const say = useText()
  const may = useMay()
  const [is_open, { open, close }] = useDisclosure(false)
  if (!may('events:write')) return null
  return (
    <>
      <Button leftSection={<IconSpeakerphone size={16} />} onClick={open}>
        {say('publish')}
      </Button>
      <Dialog opened={is_open} close={close} size="lg" title={say('publish')}>
        <PublishForm close={close} />
      </Dialog>
    </>
  )
}

function PublishForm({ close }: { close: () => void }) {
  const say = useText()
  const catalog = useCatalog()
  const form = useForm({
    initialValues: { type: '', entity_id: '', data: '{}' },
    validate: {
      type: (value) => (value ? null : say('required')),
      data: (value) => (isJson(value) ? null : say('not_json')),
    },
  })
  const publish = useAct({
    act: ({ type, entity_id, data }: typeof form.values) =>
      ask(
        api.POST('/v1/events', {
          body: { type, data: JSON.parse(data) as unknown, ...(entity_id && { entity_id }) },
        }),
      ),
    done: ({ deliveries }) => say('published', { n: deliveries }),
    changes: ['events', 'deliveries'],
  })
  const types = catalog.data?.data ?? []
  const choose = (type: string | null) => {
    const example = types.find(({ name }) => name === type)?.example
    form.setValues({ type: type ?? '', data: JSON.stringify(example ?? {}, null, 2) })
  }
  return (
    <form onSubmit={form.onSubmit((values) => publish.mutate(values, { onSuccess: close }))}>
      <Stack>
        <Text size="sm" c="dimmed">
          {say('publish_about')}
        </Text>
        <Select
          label={say('type')}
          searchable
          withAsterisk
          data={[...new Set(types.map(({ name }) => name))]}
          value={form.values.type || null}
          onChange={choose}
          error={form.errors['type']}
        />
        <TextInput
          label={say('entity')}
          description={say('entity_about')}
          {...form.getInputProps('entity_id')}
        />
        <JsonField
          label={say('data')}
          description={say('data_about')}
          autosize
          minRows={8}
          maxRows={20}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
          {...form.getInputProps('data')}
        />
        {publish.error && <Wrong error={publish.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={publish.isPending}>
            {say('publish')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

export const useCatalog = () => useRead(['event_types'], () => ask(api.GET('/v1/event-types')))

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
