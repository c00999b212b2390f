import { Button, Radio, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { useText } from './new_text.ts'
import type { Bank } from './reads.ts'

const HOURLY = '0 * * * *'
const DAILY = /^(\d{1,2}) (\d{1,2}) \* \* \*$/
const CRON = /^[0-9A-Z*/,?#-]+( [0-9A-Z*/,?#-]+){4}$/

const KINDS = ['daily', 'hourly', 'cron', 'by_hand'] as const
type Kind = (typeof KINDS)[number]
type Draft = { kind: Kind; time: string; cron: string }

/** "06:30" of a schedule that is once a day; null of any other. */
function timeOf(schedule: string): string | null {
  const [, minute, hour] = DAILY.exec(schedule) ?? []
  return hour === undefined || minute === undefined
    ? null
    : `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`
}

/** A schedule in words where it has some. */
export function ScheduleWords({ of }: { of: string | null }) {
  const say = useText()
  if (of === null) return <>{say('by_hand')}</>
  if (of === HOURLY) return <>{say('hourly')}</>
  const time = timeOf(of)
  return <>{time === null ? of : say('each_day', { time })}</>
}

/** Changes when a bank is read. */
export function EditSchedule({ of }: { of: Bank }) {
  const say = useText()
  const may = useMay()
  const [is_open, setOpen] = useState(false)
  if (!may('banking:write')) return null
  return (
    <>
      <Button size="compact-xs" variant="default" onClick={() => setOpen(true)}>
        {say('edit_schedule')}
      </Button>
      {is_open && <ScheduleDialog of={of} close={() => setOpen(false)} />}
    </>
  )
}

function ScheduleDialog({ of, close }: { of: Bank; close: () => void }) {
  const say = useText()
  const word = useWords()
  const form = useForm<Draft>({
    initialValues: draftOf(of.schedule),
    validate: {
      time: (typed, { kind }) => (kind === 'daily' && typed === '' ? say('required') : null),
      cron: (typed, { kind }) => (kind === 'cron' && !CRON.test(typed.trim()) ? say('cron_wrong') : null),
    },
  })
  const saving = useAct({
    act: (draft: Draft) =>
      ask(
        api.PATCH('/v1/banks/{id}', {
          params: { path: { id: of.id } },
          body: { schedule: scheduleOf(draft) },
        }),
      ),
    done: say('schedule_saved'),
    changes: ['banks'],
  })
  const { kind } = form.values
  return (
    <Dialog close={close} title={say('schedule')}>
      <form noValidate onSubmit={form.onSubmit((draft) => saving.mutate(draft, { onSuccess: close }))}>
        <Stack>
          <Radio.Group aria-label={say('schedule')} {...form.getInputProps('kind')}>
            <Stack gap="xs">
              {KINDS.map((one) => (
                <Radio key={one} value={one} label={say(one)} />
              ))}
            </Stack>
          </Radio.Group>
          {kind === 'daily' && (
            <TextInput
              type="time"
              label={say('at')}
              description={say('at_about')}
              w={200}
              {...form.getInputProps('time')}
            />
          )}
          {kind === 'cron' && (
            <TextInput
              label="cron"
              description={say('cron_about')}
              maxLength={100}
              spellCheck={false}
              {...form.getInputProps('cron')}
            />
          )}
          <DialogEnd close={close} loading={saving.isPending}>
            {word('save')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}

function draftOf(schedule: string | null): Draft {
  const time = schedule === null ? null : timeOf(schedule)
  const kind = schedule === null ? 'by_hand' : schedule === HOURLY ? 'hourly' : time ? 'daily' : 'cron'
  return { kind, time: time ?? '06:00', cron: schedule ?? '' }
}

function scheduleOf({ kind, time, cron }: Draft): string | null {
  if (kind === 'by_hand') return null
  if (kind === 'hourly') return HOURLY
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  return kind === 'daily' ? `${minute} ${hour} * * *` : cron.trim()
}
