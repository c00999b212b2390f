/**
 * A date or a time as parameters bring them; without an offset it is of UTC. Null for a day that is not in the calendar:
 * `new Date` would take the 31st of February for the 3rd of March.
 */
export function instantOf(text: string): Date | null {
  const day = text.slice(0, 10)
  const midnight = new Date(`${day}T00:00:00Z`)
  const time = text.slice(11)
  const at = time === '' ? midnight : new Date(`${day}T${hasOffset(text) ? time : `${time}Z`}`)
  if (Number.isNaN(at.getTime()) || Number.isNaN(midnight.getTime())) return null
  return midnight.toISOString().startsWith(day) ? at : null
}

export const hasOffset = (text: string): boolean => /T?\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)$/.test(text)
