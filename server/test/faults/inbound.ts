import { fillDisk } from './inbound_disk.ts'
import { holdSockets } from './inbound_loris.ts'
import { stormOfVendor } from './inbound_vendor.ts'
import { type FaultPostgres, startFaultPostgres } from './installation.ts'
import { type OrderTrial, proveOrder } from './order.ts'
import { walkPoints } from './points.ts'
import { addTallies } from './tally.ts'

/**
 * What comes in, alone: a kill at each step of taking a message in and working on it, order under kills and restarts
 * with clocks that are right and clocks that jump, the storm of the sandbox's vendor, senders beside sockets that hold
 * their requests back, and a disk that fills up. Whether anything was lost, doubled or reordered is printed, with what
 * was done to it.
 */
export type InboundTrial = Omit<OrderTrial, 'clocks_jump'> & {
  sockets: number
  held_ms: number
  /** Of the points of the steps, one of so many is tried. */
  every: number
  lanes: number
}

/** With clocks that jump, and from the sandbox, it is a tenth as long: they are the same steps. */
const PART = 10

type Part = { accepted: number; kills: number; lost: number; duplicates: number; reordered: number }

/** Returns the exit code. */
export async function proveInbound(trial: InboundTrial, database_url: string | undefined): Promise<number> {
  const { tell, entities, kills, seed } = trial
  const postgres = await startFaultPostgres(database_url)
  try {
    tell('\na kill at each step')
    const steps = await killAtSteps(postgres, trial)
    tell('\norder, under kills')
    const order = await proveOrder(postgres, { ...trial, clocks_jump: false })
    tell('\norder, while the clocks jump')
    const shorter = { entities: Math.ceil(entities / PART), kills: Math.ceil(kills / PART) }
    const jumping = await proveOrder(postgres, { ...trial, ...shorter, clocks_jump: true })
    tell("\nthe storm of the sandbox's vendor")
    const vendor = await stormOfVendor(postgres, { ...trial, ...shorter })
    tell('\nsockets that hold their requests back')
    const { broken: of_sockets, ...slow } = await holdSockets(postgres, trial)
    tell('\na disk that fills up')
    const disk = await fillDisk(tell)
    const all = [steps, order, jumping, vendor]
    const broken = [...all.flatMap((part) => part.broken), ...of_sockets, ...disk.broken]
    for (const fault of broken) tell(`  BROKEN ${fault}`)
    const sum = (key: keyof Part) => all.reduce((total, part: Part) => total + part[key], 0)
    const [lost, duplicates, reordered] = [sum('lost') + disk.lost, sum('duplicates'), sum('reordered')]
    tell(`\n${lost} lost, ${duplicates} duplicates, ${reordered} reordered`)
    const { sockets, ended, p99_ms } = slow
    const line = {
      faults: 'inbound',
      ...{ accepted: sum('accepted') + slow.accepted + disk.accepted },
      ...{ copies: order.copies + jumping.copies + vendor.copies, kills: sum('kills') },
      ...{ forged_refused: vendor.refused, refused_without_room: disk.refused },
      ...{ lost, duplicates, reordered, sent_on_twice: steps.sent_on_twice },
      ...{ sockets, sockets_ended: ended, p99_ms_beside_them: p99_ms },
      ...{ flagged: order.flagged + jumping.flagged, broken: broken.length, seed },
    }
    console.log(JSON.stringify(line))
    return broken.length + lost + duplicates + reordered === 0 ? 0 : 1
  } finally {
    await postgres.stop()
  }
}

/**
 * Of a message alone, and of three of one entity that come out of their order. What was sent on once more because its
 * end was not on record is no duplicate here: each is one event.
 */
async function killAtSteps({ url }: FaultPostgres, { every, lanes, tell }: InboundTrial) {
  let count = 0
  const outcomes = await walkPoints(url, {
    flows: ['webhook', 'ordered'],
    lanes,
    only: ({ how }) => how === 'kill' && count++ % every === 0,
    tell,
  })
  const { duplicates, ...tally } = addTallies(outcomes.map((outcome) => outcome.tally))
  return { ...tally, duplicates: 0, sent_on_twice: duplicates }
}
