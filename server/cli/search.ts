import type { RegisterCommand } from './cli.ts'
import { openClient, type Remote, remote } from './client.ts'
import { examples, type PageOf, showPage } from './output.ts'

export const search: RegisterCommand = (program, io) => {
  const command = remote(program.command('search <id>'))
    .description("Find what crossed the border by any whole id: the vendor's, yours or ours")
    .action(async (id: string, options: Remote) => {
      const found = await openClient(options).get<
        PageOf<{ kind: string; id: string }> & { is_more: boolean }
      >('/v1/search', {
        q: id,
      })
      showPage(io, options, found, [
        ['KIND', ({ kind }) => kind],
        ['ID', (row) => row.id],
      ])
      if (found.is_more && !options.json) {
        io.err('There is more than this: GET /v1/messages?q=… and /v1/calls?q=… find all, page by page.')
      }
    })
  examples(command, 'search pi_34a1a3e6685b853ec6ea0edaf')
}
