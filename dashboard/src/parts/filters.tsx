import { ActionIcon, Button, Group, Select, TextInput, Tooltip } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconFilterOff, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { type ReactNode, useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'
import { type Key, useLongList } from '../api/hooks.ts'
import { texts } from '../text/text.ts'
import { useStateName } from './state.tsx'

const useText = texts('filters', {
  en: {
    clear: 'Clear filters',
    pause: 'Pause: keep the list as it is',
    go_on: 'Go on: show what happens now',
    paused: 'Paused',
    live: 'Live',
  },
  'pt-BR': {
    clear: 'Limpar filtros',
    pause: 'Pausar: manter a lista como está',
    go_on: 'Continuar: mostrar o que acontece agora',
    paused: 'Pausado',
    live: 'Ao vivo',
  },
})

export type Filters<Name extends string> = {
  /** Those that are set, as a query of the API wants them. */
  set: Partial<Record<Name, string>>
  change: (name: Name, value: string | null) => void
  clear: () => void
  is_any: boolean
}

/** Filters kept in the address: a link shows the same to everybody. */
export function useFilters<Name extends string>(names: readonly Name[]): Filters<Name> {
  const [params, setParams] = useSearchParams()
  const set: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const value = params.get(name)
    if (value) set[name] = value
  }
  const write = (values: [Name, string | null][]) =>
    setParams(
      (old) => {
        const next = new URLSearchParams(old)
        for (const [name, value] of values) value ? next.set(name, value) : next.delete(name)
        return next
      },
      { replace: true },
    )
  return {
    set,
    change: (name, value) => write([[name, value]]),
    clear: () => write(names.map((name) => [name, null])),
    is_any: Object.keys(set).length > 0,
  }
}

type FieldProps<Name extends string> = { of: Filters<Name>; name: Name; label: string }
type Choices = readonly (string | { value: string; label: string })[]

export function FilterSelect<Name extends string>({
  of,
  name,
  label,
  choices,
}: FieldProps<Name> & { choices: Choices }) {
  return (
    <Select
      size="xs"
      w={170}
      aria-label={label}
      placeholder={label}
      clearable
      searchable={choices.length > 8}
      data={[...choices]}
      value={of.set[name] ?? null}
      onChange={(value) => of.change(name, value)}
    />
  )
}

type Named = readonly { id: string; name: string }[]

/** By one of those that have a name, such as the connections. */
export const FilterNamed = <Name extends string>({
  among,
  ...field
}: FieldProps<Name> & { among: Named }) => (
  <FilterSelect {...field} choices={among.map(({ id, name }) => ({ value: id, label: name }))} />
)

/** By a state, called as it is everywhere. */
export function FilterState<Name extends string>({
  states,
  ...field
}: FieldProps<Name> & { states: readonly string[] }) {
  const name = useStateName()
  return <FilterSelect {...field} choices={states.map((value) => ({ value, label: name(value) }))} />
}

/** Asked for once nobody has typed for a moment. */
export function FilterText<Name extends string>({ of, name, label }: FieldProps<Name>) {
  const kept = of.set[name] ?? ''
  const [typed, setTyped] = useState(kept)
  const ask = useDebouncedCallback((value: string) => of.change(name, value.trim() || null), 400)
  useEffect(() => setTyped(kept), [kept])
  return (
    <TextInput
      size="xs"
      w={170}
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={({ currentTarget: { value } }) => {
        setTyped(value)
        ask(value)
      }}
    />
  )
}

export function ClearFilters<Name extends string>({ of }: { of: Filters<Name> }) {
  const say = useText()
  if (!of.is_any) return null
  return (
    <Tooltip label={say('clear')}>
      <ActionIcon variant="default" size={30} onClick={of.clear} aria-label={say('clear')}>
        <IconFilterOff size={16} />
      </ActionIcon>
    </Tooltip>
  )
}

type Held = { is_held: boolean; toggle: () => void }

/** A long list that shows what happens, until it is held: then it stays as it is until its filters change or it goes on. */
export function useLiveList<Row>(key: Key, read: Parameters<typeof useLongList<Row>>[1]) {
  const [held_key, setHeld] = useState<string | null>(null)
  const said = JSON.stringify(key)
  const is_held = held_key === said
  const held: Held = { is_held, toggle: () => setHeld(is_held ? null : said) }
  return { held, pages: useLongList<Row>(key, read, !is_held) }
}

type BarProps<Name extends string> = {
  of: Filters<Name>
  held?: Held
  children: ReactNode
  /** Behind the filters, and not cleared with them. */
  beside?: ReactNode
}

/** The filters of a list, what clears them, and what holds the list as it is. */
export const FilterBar = <Name extends string>({ of, held, children, beside }: BarProps<Name>) => (
  <Group gap="xs">
    {children}
    <ClearFilters of={of} />
    {beside}
    {held && <LiveButton {...held} />}
  </Group>
)

function LiveButton({ is_held, toggle }: Held) {
  const say = useText()
  const Icon = is_held ? IconPlayerPlay : IconPlayerPause
  return (
    <Tooltip label={say(is_held ? 'go_on' : 'pause')}>
      <Button
        size="xs"
        variant={is_held ? 'filled' : 'default'}
        leftSection={<Icon size={14} />}
        aria-pressed={is_held}
        onClick={toggle}
      >
        {say(is_held ? 'paused' : 'live')}
      </Button>
    </Tooltip>
  )
}
