import { ActionIcon, Button, Group, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { Dialog, DialogEnd, Opens } from '../../parts/dialog.tsx'
import { freshKey } from '../../parts/fresh.ts'
import { money } from '../../parts/money.ts'
import { useText } from './dispute_text.ts'
import type { Dispute } from './reads.ts'

type Detail = { key: string; name: string; text: string }
type Draft = { text: string; submit: boolean; details: Detail[] }

const MOST_DETAILS = 30
const LONGEST = 20_000

/** What speaks for the seller, told to the payer's bank. It takes that once. */
export function EvidenceButton({ of }: { of: Dispute }) {
  const say = useText()
  return (
    <Opens size="compact-sm" variant="default" label={say('answer')}>
      {(close) => <EvidenceDialog of={of} close={close} />}
    </Opens>
  )
}

function EvidenceDialog({ of, close }: { of: Dispute; close: () => void }) {
  const say = useText()
  const form = useForm<Draft>({
    initialValues: { text: '', submit: true, details: [] },
    validate: {
      text: (typed) => (typed.trim() === '' ? say('required') : null),
      details: {
        name: (typed) => (typed.trim() === '' ? say('required') : null),
        text: (typed) => (typed.trim() === '' ? say('required') : null),
      },
    },
  })
  const answering = useAct({
    act: (draft: Draft) =>
      ask(api.POST('/v1/disputes/{id}/evidence', { params: { path: { id: of.id } }, body: bodyOf(draft) })),
    done: say(form.values.submit ? 'answered' : 'kept'),
    changes: ['disputes', 'payments', 'events', 'calls'],
  })
  return (
    <Dialog close={close} size="lg" title={say('answer_title', { money: money(of.money) })}>
      <form noValidate onSubmit={form.onSubmit((draft) => answering.mutate(draft, { onSuccess: close }))}>
        <Stack>
          <Text size="sm">{say('answer_about', { reason: of.reason ?? '–' })}</Text>
          <Textarea
            label={say('text')}
            description={say('text_about')}
            withAsterisk
            autosize
            minRows={5}
            maxRows={16}
            maxLength={LONGEST}
            data-autofocus
            {...form.getInputProps('text')}
          />
          <Text size="sm" fw={600}>
            {say('details')}{' '}
            <Text span size="xs" c="dimmed" fw={400}>
              {say('details_about')}
            </Text>
          </Text>
          {form.values.details.map(({ key }, at) => (
            <Group key={key} gap="xs" align="flex-start">
              <TextInput
                aria-label={say('detail_name')}
                placeholder="shipping_tracking_number"
                w={{ base: '100%', xs: 230 }}
                maxLength={100}
                spellCheck={false}
                {...form.getInputProps(`details.${at}.name`)}
              />
              <TextInput
                aria-label={say('detail_text')}
                placeholder={say('detail_text')}
                flex={1}
                miw={160}
                maxLength={LONGEST}
                {...form.getInputProps(`details.${at}.text`)}
              />
              <ActionIcon
                variant="subtle"
                color="red"
                size={36}
                aria-label={say('remove_detail')}
                onClick={() => form.removeListItem('details', at)}
              >
                <IconTrash size={16} />
              </ActionIcon>
            </Group>
          ))}
          <Group>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlus size={14} />}
              disabled={form.values.details.length >= MOST_DETAILS}
              onClick={() => form.insertListItem('details', { key: freshKey(), name: '', text: '' })}
            >
              {say('add_detail')}
            </Button>
          </Group>
          <Switch
            label={say('submit')}
            description={say('submit_about')}
            {...form.getInputProps('submit', { type: 'checkbox' })}
          />
          <DialogEnd close={close} loading={answering.isPending}>
            {say(form.values.submit ? 'send' : 'keep')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}

function bodyOf({ text, submit, details }: Draft) {
  const told = Object.fromEntries(details.map((one) => [one.name.trim(), one.text.trim()]))
  return { text: text.trim(), submit, ...(details.length > 0 && { details: told }) }
}
