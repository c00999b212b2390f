import type { RegisterCommand } from './cli.ts'
import { card, examples, type Printed, show } from './output.ts'

type Link = Printed & { email?: string; dropTotp?: true }

/** People are managed in the dashboard; here is what helps who cannot get in. */
export const member: RegisterCommand = (program, io) => {
  const group = program
    .command('member')
    .summary('People who sign in to the dashboard')
    .description(
      'People who sign in to the dashboard. Works on the database of this machine: who holds it needs no key',
    )

  const link = group
    .command('link')
    .description(
      'Make a one-time link, which holds for a day: for the first administrator, or with --email for somebody who forgot the password',
    )
    .option('--email <email>', 'of somebody who has signed up')
    .option('--drop-totp', 'end the second factor as well, for a phone that was lost')
    .action(async (options: Link) => {
      const made = await (await import('./local_members.ts')).link(options)
      show(io, options, made, (shown) => card(io, shown))
    })
  examples(
    link,
    'member link',
    'member link --email ana@example.com',
    'member link --email ana@example.com --drop-totp',
  )
}
