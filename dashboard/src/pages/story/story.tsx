import { Button, Group, Paper, SimpleGrid, Text, ThemeIcon, Timeline } from '@mantine/core'
import { spotlight } from '@mantine/spotlight'
import { IconClock } from '@tabler/icons-react'
import { type ReactNode, useMemo } from 'react'
import { useParams } from 'react-router'
import { Refusal } from '../../api/client.ts'
import { Copy } from '../../parts/copy.tsx'
import { Id } from '../../parts/id.tsx'
import { Empty, Page, Shown } from '../../parts/page.tsx'
import { colorOf, State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { placeOf } from '../finder.tsx'
import { Arrival } from './arrival.tsx'
import { type Story, useStory } from './reads.ts'
import { Step, StepIcon } from './step.tsx'
import { useText } from './text.ts'
import { spell } from './time.ts'
import { type Step as StepOf, toSteps } from './told.ts'
import { useSpoken } from './words.ts'

/** One timeline of one business thing, from any id of it. */
export function Component() {
  const { id = '' } = useParams()
  const say = useText()
  const read = useStory(id)
  const title = useTitle(id, read.data?.subject)
  return (
    <Page
      title={title}
      about={say('about')}
      actions={<Copy text={window.location.href} label={say('copy_link')} />}
    >
      {isUnknown(read.error) ? (
        <Unknown id={id} />
      ) : (
        <Shown read={read}>{(story) => <Told key={id} story={story} asked={id} />}</Shown>
      )}
    </Page>
  )
}

function useTitle(id: string, subject: Story['subject'] | undefined): string {
  const say = useText()
  const spoken = useSpoken()
  if (!subject || subject.kind === 'thing') return say('title', { what: id })
  if (subject.kind === 'quarantine') return say('title_refused', { reason: subject.title })
  return say('title', { what: spoken.title(subject.title) })
}

const isUnknown = (error: Error | null): boolean => error instanceof Refusal && error.status === 404

function Unknown({ id }: { id: string }) {
  const say = useText()
  return (
    <Empty title={say('unknown')} action={<Button onClick={() => spotlight.open()}>{say('find')}</Button>}>
      {say('unknown_about', { id })}
    </Empty>
  )
}

function Told({ story, asked }: { story: Story; asked: string }) {
  const say = useText()
  const steps = useMemo(() => toSteps(story.entries), [story.entries])
  if (steps.length === 0) return <Empty title={say('nothing')}>{say('nothing_about')}</Empty>
  const came = steps.find(({ kind }) => kind === 'received' || kind === 'refused')
  return (
    <>
      <Summary story={story} steps={steps} />
      {came && <Arrival key={came.id} entry={came} />}
      <Paper withBorder p={{ base: 'sm', sm: 'lg' }}>
        <Timeline bulletSize={30} lineWidth={2} active={-1}>
          {steps.map((step, at) => (
            <Timeline.Item
              key={`${step.kind} ${step.id} ${step.attempt ?? ''}`}
              lineVariant={gapAfter(steps, at) === null ? 'solid' : 'dashed'}
              bullet={
                <ThemeIcon size={30} radius="xl" variant="light" color={colorOf(step.state)}>
                  <StepIcon kind={step.kind} />
                </ThemeIcon>
              }
            >
              <Step
                step={step}
                began={steps[0]?.at ?? step.at}
                is_subject={step.id === asked}
                is_open={opensFirst(step, asked, came)}
              />
              <Gap ms={gapAfter(steps, at)} />
            </Timeline.Item>
          ))}
        </Timeline>
        {story.is_more && (
          <Text size="sm" c="dimmed" mt="md">
            {say('is_more')}
          </Text>
        )}
      </Paper>
    </>
  )
}

/** The step that was asked for stands open, unless all of it is at the top already. */
const opensFirst = ({ id, attempt }: StepOf, asked: string, came: StepOf | undefined): boolean =>
  id === asked && attempt === null && id !== came?.id

/** Shorter ones are no gaps, they are how long things take. */
const LEAST_GAP_MS = 1_000

function gapAfter(steps: StepOf[], at: number): number | null {
  const [before, after] = [steps[at], steps[at + 1]]
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

function Summary({ story: { subject }, steps }: { story: Story; steps: StepOf[] }) {
  const say = useText()
  const first = steps[0]?.at
  const last = steps.at(-1)?.at
  const lasted = first && last ? new Date(last).getTime() - new Date(first).getTime() : 0
  const own = placeOf(subject.id)
  const is_elsewhere = own !== null && !own.startsWith('/story/')
  const trouble = steps.filter(({ state, attempt }) => attempt === null && TROUBLED.has(state)).length
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <Fact name={say('began')}>
        <When at={first} exact />
      </Fact>
      <Fact name={say('lasted')}>{spell(lasted)}</Fact>
      <Fact name={say('steps')}>
        {steps.length}
        {trouble > 0 && (
          <Text span size="sm" c="red" ml="xs">
            {say('trouble')}: {trouble}
          </Text>
        )}
      </Fact>
      <Fact name={say('now')}>
        <Group gap="xs">
          <State of={subject.state} />
          <Id of={subject.id} {...(is_elsewhere && { to: own })} />
        </Group>
      </Fact>
    </SimpleGrid>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Paper withBorder px={{ base: 'xs', sm: 'md' }} py="xs">
      <Text size="xs" c="dimmed">
        {name}
      </Text>
      <Text component="div" size="sm" fw={600}>
        {children}
      </Text>
    </Paper>
  )
}
