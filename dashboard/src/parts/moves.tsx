import { Box, Table, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { texts } from '../text/text.ts'
import { Id } from './id.tsx'
import { When } from './when.tsx'

const useText = texts('moves', {
  en: {
    moves: 'What made it what it is',
    moved_to: 'Status after it',
    by: 'By',
    when: 'When',
    request: 'Request',
    risk: 'Risk',
    approval: 'Approval',
    schedule: 'Its day',
    reply: 'Reply of the provider',
    news: 'Webhook',
    answer: 'Provider, asked',
    refund: 'Refund',
  },
  'pt-BR': {
    moves: 'O que o trouxe até aqui',
    moved_to: 'Status depois',
    by: 'Por',
    when: 'Quando',
    request: 'Pedido',
    risk: 'Risco',
    approval: 'Aprovação',
    schedule: 'Seu dia',
    reply: 'Resposta do provedor',
    news: 'Webhook',
    answer: 'Consulta ao provedor',
    refund: 'Reembolso',
  },
})

const CAUSES = ['request', 'risk', 'approval', 'schedule', 'reply', 'news', 'answer', 'refund'] as const

export type Move = { version: number; cause: string; cause_id: string | null; at: string }

type MovesProps<One extends Move> = {
  of: One[]
  state: (move: One) => ReactNode
  /** What else is told of each where there is room. */
  beside?: { title: string; cell: (move: One) => ReactNode; right?: boolean }[]
}

/** Each move with what made it: the whole life of a payment, a card, a transfer. */
export function Moves<One extends Move>({ of, state, beside = [] }: MovesProps<One>) {
  const say = useText()
  const side = (right = false) => (right ? 'right' : undefined)
  return (
    <Box style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label={say('moves')}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{say('moved_to')}</Table.Th>
            {beside.map(({ title, right }) => (
              <Table.Th key={title} ta={side(right)} visibleFrom="sm">
                {title}
              </Table.Th>
            ))}
            <Table.Th>{say('by')}</Table.Th>
            <Table.Th ta="right">{say('when')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((move) => (
            <Table.Tr key={move.version}>
              <Table.Td>{state(move)}</Table.Td>
              {beside.map(({ title, cell, right }) => (
                <Table.Td key={title} ta={side(right)} visibleFrom="sm">
                  {cell(move)}
                </Table.Td>
              ))}
              <Table.Td>
                <Cause of={move} />
              </Table.Td>
              <Table.Td ta="right">
                <When at={move.at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

function Cause({ of: { cause, cause_id } }: { of: Move }) {
  const say = useText()
  const known = CAUSES.find((one) => one === cause)
  return (
    <>
      <Text size="sm">{known ? say(known) : cause}</Text>
      {cause_id && <Id of={cause_id} {...leadOf(cause_id)} />}
    </>
  )
}

function leadOf(id: string): { to?: string } {
  if (id.startsWith('call_')) return { to: `/calls/${id}` }
  return id.startsWith('msg_') ? { to: `/story/${id}` } : {}
}
