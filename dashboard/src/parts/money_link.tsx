import { type Money, money } from './money.ts'
import { To } from './to.tsx'

/** An amount that leads to what it is of. */
export const MoneyLink = ({ to, of }: { to: string; of: Money }) => (
  <To to={to} fw={600} style={{ whiteSpace: 'nowrap' }}>
    {money(of)}
  </To>
)
