import { Group, Paper, SimpleGrid, Text, ThemeIcon, Timeline } from '@mantine/core'
import { IconClock } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useParams } from 'react-router'
import { Copy } from '../../parts/copy.tsx'
import { Id } from '../../parts/id.tsx'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { colorOf } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { Arrival } from './arrival.tsx'
import { type Entry, type Story, useStory } from './reads.ts'
import { Step, StepIcon } from './step.tsx'
import { useText } from './text.ts'
import { spell } from './time.ts'

/** One timeline of one business thing, from any id of it. */
export function Component() {
  const { id = '' } = useParams()
  const say = useText()
  const read = useStory(id)
  return (
    <Page
      title={say('title', { what: read.data?.subject.title ?? id })}
      about={say('about')}
      actions={<Copy text={window.location.href} label={say('copy_link')} />}
    >
      <Shown read={read}>{(story) => <Told key={id} story={story} asked={id} />}</Shown>
    </Page>
  )
}

function Told({ story, asked }: { story: Story; asked: string }) {
  const say = useText()
  const { entries } = story
  if (entries.length === 0) return <Empty title={say('nothing')}>{say('nothing_about')}</Empty>
  const came = entries.find(({ kind }) => kind === 'message' || kind === 'quarantine')
  return (
    <>
      <Summary story={story} />
      {came && <Arrival entry={came} />}
      <Paper withBorder p={{ base: 'sm', sm: 'lg' }}>
        <Timeline bulletSize={30} lineWidth={2} active={-1}>
          {entries.map((entry, at) => (
            <Timeline.Item
              key={`${entry.kind} ${entry.id} ${entry.at}`}
              lineVariant={gapAfter(entries, at) === null ? 'solid' : 'dashed'}
              bullet={
                <ThemeIcon size={30} radius="xl" variant="light" color={colorOf(entry.state)}>
                  <StepIcon kind={entry.kind} />
                </ThemeIcon>
              }
            >
              <Step
                entry={entry}
                began={entries[0]?.at ?? entry.at}
                is_subject={entry.id === asked}
                is_open={opensFirst(entry, asked, came)}
              />
              <Gap ms={gapAfter(entries, at)} />
            </Timeline.Item>
          ))}
        </Timeline>
      </Paper>
    </>
  )
}

/** The step that was asked for stands open, unless all of it is at the top already. */
const opensFirst = (entry: Entry, asked: string, came: Entry | undefined): boolean =>
  entry.id === asked && entry.id !== came?.id

/** Shorter ones are no gaps, they are how long things take. */
const LEAST_GAP_MS = 1_000

function gapAfter(entries: Entry[], at: number): number | null {
  const [before, after] = [entries[at], entries[at + 1]]
  if (!before || !after) return null
  const ms = new Date(after.at).getTime() - new Date(before.at).getTime()
  return ms >= LEAST_GAP_MS ? ms : null
}

function Gap({ ms }: { ms: number | null }) {
  const say = useText()
  if (ms === null) return null
  return (
    <Group gap={6} mt="lg" c="dimmed">
      <IconClock size={14} />
      <Text size="xs">{say('later', { time: spell(ms) })}</Text>
    </Group>
  )
}

const TROUBLED = new Set(['failed', 'refused', 'quarantined', 'parked', 'expired', 'unknown'])

function Summary({ story: { subject, entries } }: { story: Story }) {
  const say = useText()
  const first = entries[0]?.at
  const last = entries.at(-1)?.at
  const lasted = first && last ? new Date(last).getTime() - new Date(first).getTime() : 0
  const trouble = entries.filter(({ state }) => state !== null && TROUBLED.has(state)).length
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <Fact name={say('began')}>
        <When at={first} exact />
      </Fact>
      <Fact name={say('lasted')}>{spell(lasted)}</Fact>
      <Fact name={say('steps')}>
        {entries.length}
        {trouble > 0 && (
          <Text span size="sm" c="red" ml="xs">
            {say('trouble')}: {trouble}
          </Text>
        )}
      </Fact>
      <Fact name="id">
        <Id of={subject.id} />
      </Fact>
    </SimpleGrid>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Paper withBorder px="md" py="xs">
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text component="div" size="sm" fw={600}>
        {children}
      </Text>
    </Paper>
  )
}
