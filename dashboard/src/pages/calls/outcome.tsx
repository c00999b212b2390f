import { Alert, Button, Group, Loader, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { paths } from '../../api/schema.ts'
import { HeaderList } from '../../parts/headers.tsx'
import { Body } from '../../parts/json.tsx'
import { Wrong } from '../../parts/page.tsx'
import { State } from '../../parts/state.tsx'
import { Stages } from './stages.tsx'
import { Steps } from './steps.tsx'
import { useText } from './tester_text.ts'

type Answers = paths['/v1/connections/{id}/calls']['post']['responses']
export type Report = Answers[200]['content']['application/json']
type Deferred = Answers[202]['content']['application/json']
export type Answer = Report | Deferred

const isReport = (answer: Answer): answer is Report => 'duration_ms' in answer

type OutcomeProps = { answer: Answer | undefined; error: Error | null; is_pending: boolean }

/** What came of a try: the stages of its way, and the answer. */
export function Outcome({ answer, error, is_pending }: OutcomeProps) {
  const say = useText()
  if (is_pending) {
    return (
      <Group>
        <Loader size="sm" />
        <Text>{say('sending')}</Text>
      </Group>
    )
  }
  if (error) return <Wrong error={error} />
  if (!answer) return <Text c="dimmed">{say('result_none')}</Text>
  return (
    <Stack>
      <Group justify="space-between">
        <Group gap="sm">
          <Title order={2} size="h4">
            {say('result')}
          </Title>
          <State of={answer.state} />
          {answer.status !== null && <Text size="sm">HTTP {answer.status}</Text>}
        </Group>
        <Button size="xs" variant="default" component={Link} to={`/calls/${answer.id}`}>
          {say('see')}
        </Button>
      </Group>
      {answer.error && <Alert color="orange">{answer.error}</Alert>}
      {isReport(answer) ? <ReportShown of={answer} /> : <Text>{say('deferred')}</Text>}
    </Stack>
  )
}

function ReportShown({ of }: { of: Report }) {
  const say = useText()
  const call = useRead(['calls', of.id], () =>
    ask(api.GET('/v1/calls/{id}', { params: { path: { id: of.id } } })),
  )
  return (
    <>
      <Stages of={of} attempts={call.data?.log ?? []} />
      {of.steps && <Steps of={of.steps} />}
      <Title order={3} size="h5">
        {say('answer')}
      </Title>
      {of.headers && <HeaderList of={of.headers} />}
      {of.body === null || of.body === undefined ? (
        <Text c="dimmed" size="sm">
          {say('no_body')}
        </Text>
      ) : (
        <Body text={typeof of.body === 'string' ? of.body : JSON.stringify(of.body)} />
      )}
    </>
  )
}
