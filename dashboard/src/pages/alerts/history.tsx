import { Badge, Group, SegmentedControl, Text } from '@mantine/core'
import { useSearchParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { usePages } from '../../api/hooks.ts'
import { Empty } from '../../parts/page.tsx'
import { type Column, DataTable } from '../../parts/table.tsx'
import { To } from '../../parts/to.tsx'
import { When } from '../../parts/when.tsx'
import { useWords } from '../../parts/words.ts'
import { Section } from '../settings/section.tsx'
import { AlertActions, isMuted } from './actions.tsx'
import { type Alert, SEVERITY_COLORS, useKinds } from './kinds.ts'
import { placeOf, useSentence } from './sentence.ts'
import { useText } from './text.ts'

const SHOWN = ['open', 'resolved', 'all'] as const

/** What is out of line now, and what was. */
export function History() {
  const say = useText()
  const word = useWords()
  const [params, setParams] = useSearchParams()
  const shown = SHOWN.find((one) => one === params.get('state')) ?? 'open'
  const state = shown === 'all' ? {} : { state: shown }
  const pages = usePages(['alerts', 'list', shown], (cursor) =>
    ask(api.GET('/v1/alerts', { params: { query: { ...state, cursor, limit: '50' } } })),
  )
  return (
    <Section
      title={say('title')}
      about={say('about')}
      action={
        <SegmentedControl
          size="xs"
          aria-label={word('state')}
          value={shown}
          onChange={(value) => setParams(value === 'open' ? {} : { state: value }, { replace: true })}
          data={[
            { value: 'open', label: say('open') },
            { value: 'resolved', label: say('resolved_ones') },
            { value: 'all', label: word('all') },
          ]}
        />
      }
    >
      <DataTable
        label={say('title')}
        pages={pages}
        id={({ id }) => id}
        columns={useColumns()}
        empty={
          shown === 'open' ? (
            <Empty title={say('none')}>{say('none_next')}</Empty>
          ) : (
            <Empty title={say('none')} />
          )
        }
      />
    </Section>
  )
}

function useColumns(): Column<Alert>[] {
  const say = useText()
  const kind = useKinds()
  const sentence = useSentence()
  return [
    {
      title: say('severity'),
      width: 110,
      wide: true,
      cell: ({ severity }) => (
        <Badge variant="light" color={SEVERITY_COLORS[severity]} tt="none">
          {kind(severity)}
        </Badge>
      ),
    },
    {
      title: say('what'),
      cell: (alert) => (
        <>
          <To to={placeOf(alert)}>{sentence(alert)}</To>
          <Group gap={6}>
            <Text size="xs" c="dimmed">
              {say(alert.state)}
            </Text>
            {isMuted(alert) && (
              <Text size="xs" c="dimmed">
                · {say('muted')}
              </Text>
            )}
          </Group>
        </>
      ),
    },
    { title: say('since'), width: 130, wide: true, cell: ({ fired_at }) => <When at={fired_at} /> },
    {
      title: say('until'),
      width: 130,
      wide: true,
      cell: ({ resolved_at }) => (resolved_at ? <When at={resolved_at} /> : '–'),
    },
    { title: '', right: true, cell: (alert) => <AlertActions of={alert} /> },
  ]
}
