import { Text, Tooltip } from '@mantine/core'
import { useEffect, useState } from 'react'
import { spoken } from '../text/text.ts'
import { useWords } from './words.ts'

type WhenProps = { at: string | null | undefined; exact?: boolean }

/** How long ago; the local time and UTC on hover. `exact` shows the local time itself. */
export function When({ at, exact = false }: WhenProps) {
  const say = useWords()
  const [is_near, setNear] = useState(false)
  useTick(!exact)
  if (!at)
    return (
      <Text span inherit>
        {say('never')}
      </Text>
    )
  const date = new Date(at)
  const shown = (
    <span style={{ whiteSpace: 'nowrap' }} onPointerEnter={() => setNear(true)}>
      <time dateTime={at}>{exact ? localOf(date) : ago(date, say)}</time>
    </span>
  )
  if (!is_near) return shown // a list has hundreds of times, and nobody is near but one
  return (
    <Tooltip
      defaultOpened
      label={`${localOf(date)} · ${date.toISOString()}`}
      withArrow
      events={{ hover: true, focus: true, touch: true }}
    >
      {shown}
    </Tooltip>
  )
}

const localOf = (date: Date): string =>
  date.toLocaleString(spoken(), { dateStyle: 'short', timeStyle: 'medium' })

function ago(date: Date, say: ReturnType<typeof useWords>): string {
  const minutes = Math.floor((Date.now() - date.getTime()) / 60_000)
  if (minutes < 0) return say('in_time', { n: Math.ceil((date.getTime() - Date.now()) / 1000) })
  if (minutes < 1) return say('now')
  if (minutes < 60) return say('ago_m', { n: minutes })
  if (minutes < 48 * 60) return say('ago_h', { n: Math.floor(minutes / 60) })
  return say('ago_d', { n: Math.floor(minutes / 1440) })
}

/** Renders again each half minute, so that "2 min ago" stays true. */
function useTick(enabled: boolean): void {
  const [, tick] = useState(0)
  useEffect(() => {
    if (!enabled) return
    const timer = setInterval(() => tick((n) => n + 1), 30_000)
    return () => clearInterval(timer)
  }, [enabled])
}
