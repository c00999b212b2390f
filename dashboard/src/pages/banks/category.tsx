import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconTag } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import type { Transaction } from './reads.ts'
import { useText } from './text.ts'

/** The category that somebody gave it, else the bank's; changed at a click. */
export function Category({ of }: { of: Transaction }) {
  const say = useText()
  const may = useMay()
  const [is_open, setOpen] = useState(false)
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="sm" truncate maw={140} c={of.category ? undefined : 'dimmed'}>
        {of.category ?? of.vendor_category ?? '–'}
      </Text>
      {may('banking:write') && (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={say('category_set')}
          title={say('category_set')}
          onClick={() => setOpen(true)}
        >
          <IconTag size={14} />
        </ActionIcon>
      )}
      {is_open && <CategoryDialog of={of} close={() => setOpen(false)} />}
    </Group>
  )
}

function CategoryDialog({ of, close }: { of: Transaction; close: () => void }) {
  const say = useText()
  const word = useWords()
  const [typed, setTyped] = useState(of.category ?? '')
  const saving = useAct({
    act: () =>
      ask(
        api.PATCH('/v1/bank-transactions/{id}', {
          params: { path: { id: of.id } },
          body: { category: typed.trim() || null },
        }),
      ),
    done: say('category_done'),
    changes: ['banks'],
  })
  const save = (event: FormEvent) => {
    event.preventDefault()
    saving.mutate(undefined, { onSuccess: close })
  }
  return (
    <Dialog close={close} title={say('category_of', { what: of.description })}>
      <form onSubmit={save}>
        <Stack>
          <TextInput
            label={say('category')}
            description={say('category_about')}
            maxLength={60}
            data-autofocus
            value={typed}
            onChange={({ currentTarget }) => setTyped(currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={saving.isPending}>
              {word('save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
