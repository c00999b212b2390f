import { ActionIcon, Group, Input, Paper, Select, Stack, Text } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconTrash } from '@tabler/icons-react'
import { nameIn, useAble, useConnections } from '../../../api/names.ts'
import { moved } from './route_draft.ts'
import type { RouteFormOf } from './route_form.tsx'
import { useText } from './route_text.ts'

const MOST = 10

/** The connections of a rule in their order; the next one is asked where the one before surely took nothing. */
export function RuleConnections({ form, at }: { form: RouteFormOf; at: number }) {
  const say = useText()
  const path = `rules.${at}.connection_ids`
  const chosen = form.values.rules[at]?.connection_ids ?? []
  const paying = useAble('payments.create') ?? []
  const left = paying.filter(({ id }) => !chosen.includes(id))
  const set = (ids: string[]) => {
    form.setFieldValue(path, ids)
    form.clearFieldError(path)
  }
  return (
    <Input.Wrapper label={say('in_order')} withAsterisk error={form.errors[path]} labelElement="div">
      <Stack gap={6} mt={4}>
        {chosen.map((id, place) => (
          <Line
            key={id}
            id={id}
            place={place}
            is_last={place === chosen.length - 1}
            move={(by) => set(moved(chosen, place, by))}
            remove={() => set(chosen.filter((one) => one !== id))}
          />
        ))}
        {paying.length === 0 && (
          <Text size="sm" c="dimmed">
            {say('no_connections')}
          </Text>
        )}
        {left.length > 0 && chosen.length < MOST && (
          <Select
            aria-label={say('add_connection')}
            placeholder={say('add_connection')}
            data={left.map(({ id, name }) => ({ value: id, label: name }))}
            value={null}
            searchable
            onChange={(id) => id && set([...chosen, id])}
          />
        )}
      </Stack>
    </Input.Wrapper>
  )
}

type LineProps = {
  id: string
  place: number
  is_last: boolean
  move: (by: 1 | -1) => void
  remove: () => void
}

function Line({ id, place, is_last, move, remove }: LineProps) {
  const say = useText()
  const name = nameIn(useConnections(), id)
  return (
    <Paper withBorder px="sm" py={4}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" truncate>
          {place + 1}. {name}
        </Text>
        <Group gap={4} wrap="nowrap">
          <ActionIcon
            variant="subtle"
            disabled={place === 0}
            aria-label={say('up', { name })}
            onClick={() => move(-1)}
          >
            <IconArrowUp size={16} />
          </ActionIcon>
          <ActionIcon
            variant="subtle"
            disabled={is_last}
            aria-label={say('down', { name })}
            onClick={() => move(1)}
          >
            <IconArrowDown size={16} />
          </ActionIcon>
          <ActionIcon variant="subtle" color="red" aria-label={say('remove', { name })} onClick={remove}>
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      </Group>
    </Paper>
  )
}
