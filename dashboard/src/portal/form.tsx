import { Button, Group, MultiSelect, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { ask } from '../api/client.ts'
import { useAct, useRead } from '../api/hooks.ts'
import { Shown, Wrong } from '../parts/page.tsx'
import { useWords } from '../parts/words.ts'
import { api, type Subscription } from './api.ts'
import { Head } from './head.tsx'
import { goTo, hrefOf, type Place } from './place.ts'
import { useSubscription } from './subscription.tsx'
import { useText } from './text.ts'

type Draft = { name: string; url: string; event_types: string[]; description: string }
type Allowed = { allowed: string[] | null }

export function Making({ allowed }: Allowed) {
  const say = useText()
  const make = useAct({
    act: async ({ description, ...draft }: Draft) => {
      const body = { ...draft, ...(description && { description }) }
      const { id } = await ask(api.POST('/v1/portal/subscriptions', { body }))
      goTo({ at: 'subscription', id })
    },
    done: say('made'),
    changes: ['subscriptions'],
  })
  return (
    <>
      <Head title={say('add')} back={{ to: { at: 'list' }, name: say('back') }} />
      <Fields allowed={allowed} of={null} save={make} verb={say('add')} back={{ at: 'list' }} />
    </>
  )
}

export function Editing({ id, allowed }: Allowed & { id: string }) {
  const say = useText()
  const word = useWords()
  const place: Place = { at: 'subscription', id }
  const read = useSubscription(id)
  const save = useAct({
    act: async ({ description, ...draft }: Draft) => {
      const body = { ...draft, description: description || null }
      await ask(api.PATCH('/v1/portal/subscriptions/{id}', { params: { path: { id } }, body }))
      goTo(place)
    },
    done: say('saved'),
    changes: ['subscriptions'],
  })
  return (
    <>
      <Head title={say('edit')} back={{ to: place, name: read.data?.name ?? say('back') }} />
      <Shown read={read}>
        {(of) => <Fields allowed={allowed} of={of} save={save} verb={word('save')} back={place} />}
      </Shown>
    </>
  )
}

type FieldsProps = Allowed & {
  of: Subscription | null
  save: { mutate: (draft: Draft) => void; isPending: boolean; error: Error | null }
  verb: string
  back: Place
}

function Fields({ of, allowed, save, verb, back }: FieldsProps) {
  const say = useText()
  const word = useWords()
  const form = useForm<Draft>({
    initialValues: {
      name: of?.name ?? '',
      url: of?.url ?? 'https://',
      event_types: of?.event_types ?? [],
      description: of?.description ?? '',
    },
    validate: {
      name: (value) => (value.trim() ? null : say('required')),
      url: (value) => (/^https?:\/\/./.test(value) ? null : say('not_url')),
      event_types: (value) => (value.length > 0 ? null : say('required')),
    },
  })
  return (
    <form onSubmit={form.onSubmit((draft) => save.mutate(draft))}>
      <Stack maw={620}>
        <TextInput label={say('name')} withAsterisk maxLength={100} {...form.getInputProps('name')} />
        <TextInput
          label={say('url')}
          description={say('url_about')}
          withAsterisk
          inputMode="url"
          maxLength={2_048}
          {...form.getInputProps('url')}
        />
        <MultiSelect
          label={say('events')}
          description={say('events_about')}
          withAsterisk
          searchable
          hidePickedOptions
          withScrollArea={false}
          styles={{ options: { maxHeight: 240, overflowY: 'auto' } }}
          data={useChoices(allowed, of?.event_types ?? [])}
          {...form.getInputProps('event_types')}
        />
        <Textarea
          label={say('description')}
          autosize
          minRows={2}
          maxLength={1_000}
          {...form.getInputProps('description')}
        />
        {save.error && <Wrong error={save.error} />}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {verb}
          </Button>
          <Button variant="default" component="a" href={hrefOf(back)}>
            {word('cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** The families the link allows, or all there is; then each type by itself. */
function useChoices(allowed: string[] | null, chosen: string[]): string[] {
  const read = useRead(['event_types'], () => ask(api.GET('/v1/portal/event-types')))
  const names = read.data?.data.map(({ name }) => name) ?? []
  return [...new Set([...(allowed ?? ['*']), ...chosen, ...names])]
}
