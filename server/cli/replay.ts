import type { RegisterCommand } from './cli.ts'
import { inPath, openClient, type Remote, remote } from './client.ts'
import { EXIT, examples, failure, show } from './output.ts'

type Replayed = { id: string; state: string }

/** What can be replayed, by the beginning of its id. */
const LISTS: Record<string, string> = { dlv: '/v1/deliveries', msg: '/v1/messages' }

export const replay: RegisterCommand = (program, io) => {
  const command = remote(program.command('replay <ids...>'))
    .summary('Send a delivery, or process a message, once more')
    .description('Send an ended delivery again (dlv_…), or process a failed or ignored message again (msg_…)')
    .action(async (ids: string[], options: Remote) => {
      const paths = ids.map(toPath) // all are looked at before the first is replayed
      const client = openClient(options)
      const replayed: Replayed[] = []
      for (const path of paths) replayed.push(await client.send<Replayed>('POST', path))
      show(io, options, replayed, (all) => all.map(({ id }) => `${id} is on its way again`).join('\n'))
    })
  examples(
    command,
    'replay dlv_01jz8k3v9mf2tb7xq4c5n6p8rs',
    'replay msg_01jz8k3v9mf2tb7xq4c5n6p8rs msg_01jz8k3vafev2v2hnzm2hpd4ny',
  )
}

function toPath(id: string): string {
  const list = LISTS[id.split('_')[0] ?? '']
  if (list !== undefined) return `${list}/${inPath(id)}/replay`
  throw failure(EXIT.usage, `${id} cannot be replayed: name a delivery (dlv_…) or a message (msg_…).`)
}
