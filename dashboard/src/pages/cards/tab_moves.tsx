import { Moves } from '../../parts/moves.tsx'
import { CardState } from './card_state.tsx'
import type { CardStory } from './reads.ts'

/** The whole life of the card. */
export const MovesTab = ({ of }: { of: CardStory }) => (
  <Moves of={of.moves} state={(move) => <CardState of={move} />} />
)
