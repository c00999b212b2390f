import { Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog, DialogEnd, Opens } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { LimitFields } from './limit_fields.tsx'
import { toLimits, toLimitsDraft } from './limits_draft.ts'
import { useText } from './manage_text.ts'
import type { CardStory } from './reads.ts'

/** Changes all limits of a card at once, here and at its vendor. */
export function EditLimits({ of }: { of: CardStory }) {
  const say = useText()
  const may = useMay()
  const is_over = of.status === 'canceled' || of.status === 'failed' || of.status === 'processing'
  if (!may('cards:write') || is_over) return null
  return (
    <Opens variant="default" label={say('edit_limits')}>
      {(close) => <LimitsDialog of={of} close={close} />}
    </Opens>
  )
}

function LimitsDialog({ of, close }: { of: CardStory; close: () => void }) {
  const say = useText()
  const word = useWords()
  const [draft, setDraft] = useState(() => toLimitsDraft(of.wish?.limits ?? of.limits, of.currency))
  const saving = useAct({
    act: () =>
      ask(
        api.PUT('/v1/cards/{id}/limits', {
          params: { path: { id: of.id } },
          body: toLimits(draft, of.currency),
        }),
      ),
    done: say('limits_saved'),
    changes: ['cards', 'events', 'calls'],
  })
  return (
    <Dialog close={close} size="lg" title={say('edit_limits')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          saving.mutate(undefined, { onSuccess: close })
        }}
      >
        <Stack>
          <Text size="sm">{say('limits_about')}</Text>
          <LimitFields value={draft} change={setDraft} currency={of.currency} />
          <DialogEnd close={close} loading={saving.isPending}>
            {word('save')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
