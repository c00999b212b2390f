import { History } from './history.tsx'
import { Rules } from './rules.tsx'

/** What is out of line, and what makes it so. */
export function Alerts() {
  return (
    <>
      <History />
      <Rules />
    </>
  )
}
