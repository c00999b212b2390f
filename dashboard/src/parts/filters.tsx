import { ActionIcon, Button, Select, TextInput, Tooltip } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconFilterOff, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { Key } from '../api/hooks.ts'
import { texts } from '../text/text.ts'

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

/** A list that is held stays as it is until its filters change or somebody lets it go on. */
export function useHeld(key: Key): { is_held: boolean; toggle: () => void } {
  const [held, setHeld] = useState<string | null>(null)
  const said = JSON.stringify(key)
  const is_held = held === said
  return { is_held, toggle: () => setHeld(is_held ? null : said) }
}

export function LiveButton({ is_held, toggle }: ReturnType<typeof useHeld>) {
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
