import { money } from '../../parts/money.ts'
import { Moves } from '../../parts/moves.tsx'
import { State } from '../../parts/state.tsx'
import type { PaymentStory } from './reads.ts'
import { useText } from './text.ts'

type Move = PaymentStory['moves'][number]

/** The whole life of the payment. */
export function PaymentMoves({ of }: { of: PaymentStory }) {
  const say = useText()
  const { currency } = of.money
  const some = (amount: string) => (amount === '0' ? '–' : money({ amount, currency }))
  return (
    <Moves
      of={of.moves}
      state={({ status }) => <State of={status} />}
      beside={(['captured', 'refunded'] as const).map((name) => ({
        title: say(name),
        cell: (move: Move) => some(move[name]),
        right: true,
      }))}
    />
  )
}
