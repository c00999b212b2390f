import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { type Draft, requestOf } from './tester_draft.ts'
import { useText } from './tester_text.ts'

/** Keeps a request under a name on its connection, to be asked again by that. */
export function SaveOperation({ draft }: { draft: Draft }) {
  const say = useText()
  const word = useWords()
  const may = useMay()
  const [is_open, { open, close }] = useDisclosure(false)
  const form = useForm({
    initialValues: { name: '', description: '' },
    validate: { name: (value) => (value.trim() ? null : say('required')) },
  })
  const save = useAct({
    act: ({ name, description }: { name: string; description: string }) =>
      ask(
        api.POST('/v1/connections/{id}/operations', {
          params: { path: { id: draft.connection_id ?? '' } },
          body: { ...requestOf(draft), name: name.trim(), ...(description && { description }) },
        }),
      ),
    done: say('saved'),
    changes: ['operations'],
  })
  if (!draft.connection_id || !may('connections:write')) return null
  return (
    <>
      <Button size="compact-xs" variant="default" onClick={open}>
        {say('save')}
      </Button>
      <Dialog opened={is_open} close={close} title={say('save')}>
        <form
          onSubmit={form.onSubmit((values, event) => {
            event?.stopPropagation() // the tester's own form is around this one
            save.mutate(values, { onSuccess: close })
          })}
        >
          <Stack>
            <TextInput
              label={say('name')}
              description={say('name_about')}
              data-autofocus
              {...form.getInputProps('name')}
            />
            <TextInput label={say('description')} {...form.getInputProps('description')} />
            <Group justify="flex-end">
              <Button type="submit" loading={save.isPending}>
                {word('save')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Dialog>
    </>
  )
}
