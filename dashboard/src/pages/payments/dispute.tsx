import { Box, Group, Table, Text, Title } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useMay } from '../../api/session.tsx'
import { ConfirmAct } from '../../parts/confirm.tsx'
import { money } from '../../parts/money.ts'
import { State } from '../../parts/state.tsx'
import { spoken } from '../../text/text.ts'
import { useText as useDisputeText } from './dispute_text.ts'
import { EvidenceButton } from './evidence.tsx'
import type { Dispute } from './reads.ts'
import { useText } from './text.ts'

const isEnded = ({ status }: Dispute): boolean => status !== 'needs_response' && status !== 'under_review'

export const fundsName = (funds: Dispute['funds']) => (funds === 'none' ? 'none_funds' : funds)

/** What can be done about a dispute as long as it is not over: answered once, or given up. */
export function DisputeActions({ of }: { of: Dispute }) {
  const may = useMay()
  if (isEnded(of) || !may('payments:write')) return null
  return (
    <Group gap="xs" justify="flex-end">
      {of.status === 'needs_response' && <EvidenceButton of={of} />}
      <AcceptDispute of={of} />
    </Group>
  )
}

function AcceptDispute({ of }: { of: Dispute }) {
  const say = useText()
  return (
    <ConfirmAct
      size="compact-sm"
      variant="light"
      color="red"
      question={say('accept_sure', { money: money(of.money) })}
      verb={say('accept')}
      act={() => ask(api.POST('/v1/disputes/{id}/accept', { params: { path: { id: of.id } } }))}
      done={say('accepted')}
      changes={['disputes', 'payments', 'events', 'calls']}
    />
  )
}

export function DisputeState({ of }: { of: Dispute }) {
  const say = useText()
  const beside = [of.is_inquiry && say('inquiry'), of.has_evidence && say('has_evidence')].filter(Boolean)
  return (
    <>
      <State of={of.status} />
      {beside.length > 0 && (
        <Text size="xs" c="dimmed">
          {beside.join(' · ')}
        </Text>
      )}
    </>
  )
}

/** The day by which it is to be answered, and in words how long that is; its hour where somebody points at it. */
export function Due({ of: { evidence_due_at: at, status } }: { of: Dispute }) {
  const say = useDisputeText()
  if (at === null) return <>–</>
  const date = new Date(at)
  const left = leftUntil(date)
  return (
    <>
      <time dateTime={at} title={date.toLocaleString(spoken())} style={{ whiteSpace: 'nowrap' }}>
        {date.toLocaleDateString(spoken(), { dateStyle: 'short' })}
      </time>
      {status === 'needs_response' && (
        <Text size="xs" c={left === null || isSoon(date) ? 'var(--mantine-color-error)' : 'dimmed'}>
          {left ?? say('passed')}
        </Text>
      )}
    </>
  )
}

const DAY_MS = 86_400_000
const SOON_MS = 3 * DAY_MS

const isSoon = (date: Date): boolean => date.getTime() - Date.now() < SOON_MS

/** "in 7 days", "tomorrow", "in 5 hours"; null where it has passed. */
function leftUntil(date: Date): string | null {
  const left_ms = date.getTime() - Date.now()
  if (left_ms <= 0) return null
  const words = new Intl.RelativeTimeFormat(spoken(), { numeric: 'auto' })
  if (left_ms >= DAY_MS) return words.format(Math.floor(left_ms / DAY_MS), 'day')
  return words.format(Math.max(1, Math.floor(left_ms / 3_600_000)), 'hour')
}

/** What its payer disputed of one payment; nothing where nothing was. */
export function Disputes({ of }: { of: Dispute[] }) {
  const say = useText()
  if (of.length === 0) return null
  return (
    <>
      <Title order={2} size="h4">
        {say('disputes')}
      </Title>
      <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('disputes')}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{say('status')}</Table.Th>
              <Table.Th ta="right" visibleFrom="sm">
                {say('amount')}
              </Table.Th>
              <Table.Th visibleFrom="sm">{say('reason')}</Table.Th>
              <Table.Th visibleFrom="sm">{say('funds')}</Table.Th>
              <Table.Th ta="right">{say('evidence_due')}</Table.Th>
              <Table.Th ta="right">{say('act')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {of.map((dispute) => (
              <DisputeLine key={dispute.id} of={dispute} />
            ))}
          </Table.Tbody>
        </Table>
      </Box>
    </>
  )
}

function DisputeLine({ of }: { of: Dispute }) {
  const say = useText()
  return (
    <Table.Tr>
      <Table.Td>
        <DisputeState of={of} />
      </Table.Td>
      <Table.Td ta="right" visibleFrom="sm">
        {money(of.money)}
      </Table.Td>
      <Table.Td visibleFrom="sm">{of.reason ?? '–'}</Table.Td>
      <Table.Td visibleFrom="sm">{say(fundsName(of.funds))}</Table.Td>
      <Table.Td ta="right">
        <Due of={of} />
      </Table.Td>
      <Table.Td ta="right">
        <DisputeActions of={of} />
      </Table.Td>
    </Table.Tr>
  )
}
