import { endCutOffCalls } from './cut_off.ts'
import { type Installation, install } from './installation.ts'
import { type Product, startProduct } from './product.ts'
import type { Sender } from './sender.ts'
import { type Point, pointInWords, type Side } from './steps.ts'
import type { Tally } from './tally.ts'
import { compare, untilQuiet } from './truth.ts'

/**
 * The exhaustive form: a flow is run once to count its steps, then once for each step and side with the process
 * killed there and started again on the same data, and once more with only its connection cut; the truth is compared. Each run begins with a process that has just
 * started and remembers nothing, so the flow takes every step it ever takes.
 */
export const FLOWS: (keyof Sender['send'])[] = [
  'webhook',
  'ordered',
  'publish',
  'call',
  'deferred',
  'batch',
  'keyed',
  'oauth',
]
/** Of these nothing is left that nobody saw the end of. */
const WITHOUT_CALLS = ['webhook', 'ordered', 'publish']

export type How = 'kill' | 'cut'
/** A point of a flow, replayed by `npm run faults -- --flow <flow> --point <number> --side <side> --how <how>`. */
export type Place = { flow: string; point: Point; how: How }

export type Outcome = {
  place: Place
  /** The steps met up to the kill, or to the end. */
  names: string[]
  /** False where the flow ended before that step: it took fewer steps this time. */
  reached: boolean
  tally: Tally
}

/** What a process does by itself as it starts is not part of the flow. */
const SETTLE_MS = 250

/** The names of the steps of a flow, in their order. */
export async function countSteps(installation: Installation, flow: string): Promise<string[]> {
  await installation.renew()
  const product = await startSettled(installation)
  installation.steps.arm(null, () => {})
  await toTheEnd(installation, takeFlow(installation, flow))
  const names = installation.steps.disarm()
  await product.stop()
  return names
}

const takeFlow = ({ sender }: Installation, flow: string): Promise<void> => {
  const known = FLOWS.find((one) => one === flow)
  if (!known) throw new Error(`no flow is called ${flow}; there are ${FLOWS.join(', ')}`)
  return sender.send[known]('1')
}

/** Until the flow was answered and no work is left of it; false where some stays. */
async function toTheEnd(installation: Installation, flow: Promise<void>): Promise<boolean> {
  await flow
  const quiet = await untilQuiet(installation)
  await installation.steps.quiet(SETTLE_MS) // the last notification follows its commit
  return quiet
}

async function startSettled(installation: Installation): Promise<Product> {
  const product = await startProduct(installation.env)
  installation.at(product)
  await installation.steps.quiet(SETTLE_MS)
  return product
}

export async function runPoint(installation: Installation, place: Place): Promise<Outcome> {
  const { steps } = installation
  await installation.renew()
  const first = await startSettled(installation)
  steps.arm(place.point, place.how === 'kill' ? first.kill : () => {})
  const flow = takeFlow(installation, place.flow)
  await Promise.race([first.ended, toTheEnd(installation, flow)])
  const [names, reached] = [steps.disarm(), steps.fired()]
  const product = reached && place.how === 'kill' ? await startAgain(installation, first) : first
  const quiet = await toTheEnd(installation, flow)
  const code = await product.stop()
  if (!WITHOUT_CALLS.includes(place.flow)) await endCutOffCalls(installation)
  const { broken, ...truth } = await compare(installation)
  const faults = [
    ...broken,
    ...(quiet ? [] : ['work was left over']),
    ...(code === 0 ? [] : [`SIGTERM was answered with ${code}: ${product.said()}`]),
  ]
  const words = inWords(place, names)
  const met = (how: How) => (reached && place.how === how ? 1 : 0)
  const tally = {
    ...truth,
    kills: met('kill'),
    cuts: met('cut'),
    oldest_lease_s: 0,
    broken: faults.map((fault) => `${words}: ${fault}`),
  }
  return { place, names, reached, tally }
}

async function startAgain(installation: Installation, killed: Product): Promise<Product> {
  await killed.ended
  const product = await startProduct(installation.env)
  installation.at(product)
  return product
}

const inWords = ({ flow, how, point }: Place, names: string[]) =>
  `${how} ${flow} ${pointInWords(point, names)}`

const SIDES: Side[] = ['before', 'after']
const HOWS: How[] = ['kill', 'cut']

export type Walk = {
  flows: string[]
  /** Which points, each with the name of its step. */
  only: (place: Place, name: string) => boolean
  /** How many points are tried at once, each with a database of its own. */
  lanes: number
  tell: (line: string) => void
}

/** Every point of the flows, in both ways. */
export const walkPoints = (postgres_url: string, walk: Walk): Promise<Outcome[]> =>
  inLanes(postgres_url, walk.lanes, async (lanes) => runPoints(lanes, await placesOf(lanes, walk), walk.tell))

/** The given points alone. */
export const tryPoints = (postgres_url: string, places: Place[], count: number): Promise<Outcome[]> =>
  inLanes(postgres_url, count, (lanes) => runPoints(lanes, [...places], () => {}))

async function inLanes<T>(
  postgres_url: string,
  count: number,
  work: (lanes: Installation[]) => Promise<T>,
): Promise<T> {
  const lanes = await Promise.all(Array.from({ length: count }, () => install(postgres_url)))
  try {
    return await work(lanes)
  } finally {
    for (const lane of lanes) await lane.close()
  }
}

async function runPoints(
  lanes: Installation[],
  places: Place[],
  tell: (line: string) => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  await Promise.all(
    lanes.map(async (lane) => {
      for (let place = places.shift(); place; place = places.shift()) {
        const outcome = await runPoint(lane, place)
        outcomes.push(outcome)
        tell(outcomeInWords(outcome))
      }
    }),
  )
  return outcomes
}

async function placesOf(lanes: Installation[], { flows, only, tell }: Walk): Promise<Place[]> {
  const places: Place[] = []
  await Promise.all(
    flows.map(async (flow, at) => {
      const lane = lanes[at % lanes.length]
      if (!lane) return
      const names = await countSteps(lane, flow)
      tell(`${flow}: ${names.length} steps`)
      for (const [index, name] of names.entries()) tell(`  ${index + 1} ${name}`)
      for (const [index, name] of names.entries()) {
        const four = HOWS.flatMap((how) =>
          SIDES.map((side) => ({ flow, how, point: { step: index + 1, side } })),
        )
        places.push(...four.filter((place) => only(place, name)))
      }
    }),
  )
  return places.sort((a, b) => Number(a.point.step) - Number(b.point.step)) // flows that wait and flows that work take turns
}

const outcomeInWords = ({ place, names, reached, tally }: Outcome): string => {
  const words = inWords(place, names)
  if (!reached) return `  ${words}; the flow took ${names.length} steps this time`
  return `  ${words}: ${tally.broken.length === 0 ? 'nothing lost' : tally.broken.join('; ')}`
}
