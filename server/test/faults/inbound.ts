import { fillDisk } from './inbound_disk.ts'
import { holdSockets } from './inbound_loris.ts'
import { startFaultPostgres } from './installation.ts'
import { type OrderTrial, proveOrder } from './order.ts'

/**
 * What comes in, alone: order under kills and restarts, with clocks that are right and clocks that jump, senders beside
 * sockets that hold their requests back, and a disk that fills up. Whether anything was lost, doubled or reordered is printed, with what was done to it.
 */
export type InboundTrial = Omit<OrderTrial, 'clocks_jump'> & { sockets: number; held_ms: number }

/** With clocks that jump it is a tenth as long: they are the same steps. */
const PART = 10

/** Returns the exit code. */
export async function proveInbound(trial: InboundTrial, database_url: string | undefined): Promise<number> {
  const { tell, entities, kills, seed } = trial
  const postgres = await startFaultPostgres(database_url)
  try {
    tell('\norder, under kills')
    const order = await proveOrder(postgres, { ...trial, clocks_jump: false })
    tell('\norder, while the clocks jump')
    const shorter = { entities: Math.ceil(entities / PART), kills: Math.ceil(kills / PART) }
    const jumping = await proveOrder(postgres, { ...trial, ...shorter, clocks_jump: true })
    tell('\nsockets that hold their requests back')
    const { broken: of_sockets, ...slow } = await holdSockets(postgres, trial)
    tell('\na disk that fills up')
    const disk = await fillDisk(tell)
    const broken = [...order.broken, ...jumping.broken, ...of_sockets, ...disk.broken]
    for (const fault of broken) tell(`  BROKEN ${fault}`)
    const sum = (key: 'accepted' | 'copies' | 'kills' | 'lost' | 'duplicates' | 'reordered' | 'flagged') =>
      order[key] + jumping[key]
    const [lost, duplicates, reordered] = [sum('lost') + disk.lost, sum('duplicates'), sum('reordered')]
    tell(`\n${lost} lost, ${duplicates} duplicates, ${reordered} reordered`)
    const accepted = sum('accepted') + slow.accepted + disk.accepted
    const counts = {
      accepted,
      copies: sum('copies'),
      kills: sum('kills'),
      refused_without_room: disk.refused,
    }
    const { sockets, ended, p99_ms } = slow
    const about = { sockets, sockets_ended: ended, p99_ms_beside_them: p99_ms, flagged: sum('flagged') }
    const line = {
      faults: 'inbound',
      ...counts,
      lost,
      duplicates,
      reordered,
      ...about,
      broken: broken.length,
      seed,
    }
    console.log(JSON.stringify(line))
    return broken.length + lost + duplicates + reordered === 0 ? 0 : 1
  } finally {
    await postgres.stop()
  }
}
