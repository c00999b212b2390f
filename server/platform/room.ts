/**
 * Memory that many share and nobody may fill: what comes in pieces from the other side, held until it is done with.
 * Whoever sends slowly keeps the others' place for as long, so there is a bound over all of them.
 */
export type Room = { bytes: number; most_bytes: number }

/** Who answers for what is held, and how much of which room that is. */
export type Holder = { held: { room: Room; bytes: number } | null }

export const createRoom = (most_mib: number): Room => ({ bytes: 0, most_bytes: most_mib * 1024 * 1024 })

/** What a piece costs beside its bytes, measured: without it what comes byte by byte would hold 500 times what is counted. */
const PIECE_BYTES = 512

/** The rest is for what comes whole in one piece, which nobody can hold back: small ones are served beside a flood. */
const SHARE_OF_PIECES = 0.75

/** Whether there is place for one more piece; `is_whole` where it is all there is. */
export function hold(room: Room, holder: Holder, length: number, is_whole: boolean): boolean {
  const bytes = length + PIECE_BYTES
  if (room.bytes + bytes > room.most_bytes * (is_whole ? 1 : SHARE_OF_PIECES)) return false
  room.bytes += bytes
  holder.held ??= { room, bytes: 0 }
  holder.held.bytes += bytes
  return true
}

/** Once for each holder at least; more often changes nothing. */
export function letGo(holder: Holder): void {
  if (!holder.held) return
  holder.held.room.bytes -= holder.held.bytes
  holder.held = null
}
