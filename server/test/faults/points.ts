import { endCutOffCalls } from './cut_off.ts'
import { type Installation, install } from './installation.ts'
import { type Product, startProduct } from './product.ts'
import type { Sender } from './sender.ts'
import { type Point, pointInWords, type Side } from './steps.ts'
import { addTallies, type Tally } from './tally.ts'
import { compare, untilQuiet } from './truth.ts'

/**
 * The exhaustive form: a flow is run once to count its steps, then once for each step and side with the process
 * killed there, started again on the same data, and the truth compared. Each run begins with a process that has just
 * started and remembers nothing, so the flow takes every step it ever takes.
 */
export const FLOWS: Record<string, (sender: Sender, number: string) => Promise<void>> = {
  webhook: (sender, number) => sender.webhook(number),
  publish: (sender, number) => sender.publish(number),
  call: (sender, number) => sender.call(number),
}

/** A point of a flow, replayed by `npm run faults -- --flow <flow> --point <number> --side <side>`. */
export type Place = { flow: string; point: Point }

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
  const take = FLOWS[flow]
  if (!take) throw new Error(`no flow is called ${flow}; there are ${Object.keys(FLOWS).join(', ')}`)
  return take(sender, '1')
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
  steps.arm(place.point, first.kill)
  const flow = takeFlow(installation, place.flow)
  await Promise.race([first.ended, toTheEnd(installation, flow)])
  const [names, reached] = [steps.disarm(), steps.fired()]
  const product = reached ? await startAgain(installation, first) : first
  const quiet = await toTheEnd(installation, flow)
  const code = await product.stop()
  if (place.flow === 'call') await endCutOffCalls(installation)
  const { broken, ...truth } = await compare(installation)
  const faults = [
    ...broken,
    ...(quiet ? [] : ['work was left over']),
    ...(code === 0 ? [] : [`SIGTERM was answered with ${code}: ${product.said()}`]),
  ]
  const words = `${place.flow} ${pointInWords(place.point, names)}`
  const tally = { ...truth, kills: reached ? 1 : 0, broken: faults.map((fault) => `${words}: ${fault}`) }
  return { place, names, reached, tally }
}

async function startAgain(installation: Installation, killed: Product): Promise<Product> {
  await killed.ended
  const product = await startProduct(installation.env)
  installation.at(product)
  return product
}

const SIDES: Side[] = ['before', 'after']

export type Walk = {
  flows: string[]
  /** Only these points, each with the name of its step; all where absent. */
  only?: (place: Place, name: string) => boolean
  /** How many points are tried at once, each with a database of its own. */
  lanes: number
  tell: (line: string) => void
}

/** Every point of every flow. */
export async function walkPoints(postgres_url: string, walk: Walk): Promise<Tally> {
  const lanes = await Promise.all(Array.from({ length: walk.lanes }, () => install(postgres_url)))
  try {
    const places = await placesOf(lanes, walk)
    const outcomes: Outcome[] = []
    await Promise.all(
      lanes.map(async (lane) => {
        for (let place = places.shift(); place; place = places.shift()) {
          const outcome = await runPoint(lane, place)
          outcomes.push(outcome)
          walk.tell(outcomeInWords(outcome))
        }
      }),
    )
    return addTallies(outcomes.map(({ tally }) => tally))
  } finally {
    for (const lane of lanes) await lane.close()
  }
}

async function placesOf(lanes: Installation[], { flows, only = () => true, tell }: Walk): Promise<Place[]> {
  const places: Place[] = []
  await Promise.all(
    flows.map(async (flow, at) => {
      const lane = lanes[at % lanes.length]
      if (!lane) return
      const names = await countSteps(lane, flow)
      tell(`${flow}: ${names.length} steps`)
      for (const [index, name] of names.entries()) tell(`  ${index + 1} ${name}`)
      for (const [index, name] of names.entries()) {
        const both = SIDES.map((side) => ({ flow, point: { number: index + 1, side } }))
        places.push(...both.filter((place) => only(place, name)))
      }
    }),
  )
  return places.sort((a, b) => a.point.number - b.point.number) // flows that wait and flows that work take turns
}

const outcomeInWords = ({ place, names, reached, tally }: Outcome): string => {
  const words = `${place.flow} ${pointInWords(place.point, names)}`
  if (!reached) return `  ${words}; the flow took ${names.length} steps this time`
  return `  ${words}: ${tally.broken.length === 0 ? 'nothing lost' : tally.broken.join('; ')}`
}
