import type { RegisterCommand } from './cli.ts'
import { card, count, examples, type Io, type Printed, show, table } from './output.ts'
import type { NewMaster, Rewrapped, Rotated, Status } from './vault_keys.ts'

/** The keys of the vault, changed beside the running servers. Whoever holds the machine needs no API key for it. */
export const vault: RegisterCommand = (program, io) => {
  const group = program
    .command('vault')
    .summary('Keys that seal the secrets')
    .description(
      'The keys that seal the secrets of this installation: a data key per tenant, wrapped by one master key. Works on the database itself, beside running servers or without one.',
    )
  const work = () => import('./vault_keys.ts') // other commands do without the database

  const status = group
    .command('status')
    .description('Say which master keys wrap how many keys, and how many secrets wait to be sealed anew')
    .action(async (options: Printed) =>
      show(io, options, await (await work()).status(), (found) => statusText(io, found)),
    )
  examples(status, 'vault status', 'vault status --json')

  const rotate = group
    .command('rotate')
    .description(
      'Make a new data key for each tenant and seal all its secrets with it. Servers go on working. If it is ended half-way, run it again.',
    )
    .option('--tenant <id>', 'of this tenant alone')
    .action(async (options: Printed & { tenant?: string }) => {
      const rotated = await (await work()).rotate(options.tenant, progress(io))
      show(io, options, rotated, (made) => rotatedText(io, made))
    })
  examples(rotate, 'vault rotate', 'vault rotate --tenant tnt_01jz8k3v9mf2tb7xq4c5n6p8rs')

  const renew = group
    .command('new-master-key')
    .description(
      'Put a new master key into master.key and keep the old one beside it. Then restart every server, and run: trilho vault rewrap. Where the key comes from TRILHO_MASTER_KEY, change that instead.',
    )
    .action(async (options: Printed) =>
      show(io, options, await (await work()).newMaster(), (made) => newMasterText(io, made)),
    )
  examples(renew, 'vault new-master-key')

  const rewrap = group
    .command('rewrap')
    .description(
      'After the master key changed: wrap the keys of all tenants with the new one. The old one must be in TRILHO_PREVIOUS_MASTER_KEYS, or beside master.key where new-master-key put it. If it is ended half-way, run it again.',
    )
    .action(async (options: Printed) => {
      const rewrapped = await (await work()).rewrap(progress(io))
      show(io, options, rewrapped, (made) => rewrappedText(io, made))
    })
  examples(
    rewrap,
    'vault rewrap',
    'TRILHO_PREVIOUS_MASTER_KEYS_FILE=/run/secrets/old.key trilho vault rewrap',
  )
}

const EVERY_MS = 1000

/** A line a second at most, beside the result. */
function progress(io: Io): (done: number, of: number) => void {
  let next_ms = performance.now() + EVERY_MS
  return (done, of) => {
    if (performance.now() < next_ms) return
    next_ms = performance.now() + EVERY_MS
    io.err(`${done} of ${of} tenants`)
  }
}

function statusText(io: Io, { master, from, wrappings, secrets, waiting, elsewhere }: Status): string {
  const lines = [card(io, { 'master key': `${master} from ${from}`, secrets, waiting })]
  if (wrappings.length > 0) {
    lines.push(
      '',
      table(io, wrappings, [
        ['MASTER KEY', (row) => row.master],
        ['KEYS', (row) => row.keys],
        ['TENANTS', (row) => row.tenants],
        ['HERE', (row) => (row.master === master ? 'present' : row.held ? 'previous' : 'missing')],
      ]),
    )
  }
  if (elsewhere > 0)
    lines.push(
      '',
      io.paint('yellow', `Another master key than this one: ${count(elsewhere, 'running server')}. Restart.`),
    )
  return lines.join('\n')
}

function rotatedText(io: Io, { tenants, sealed, waiting }: Rotated): string {
  const done = `${io.paint('green', 'Rotated')}: a new data key for ${count(tenants, 'tenant')}, ${count(sealed, 'secret')} sealed with it.`
  return waiting === 0
    ? done
    : `${done}\n${io.paint('yellow', `Still waiting: ${count(waiting, 'secret')}. Run it again.`)}`
}

const newMasterText = (io: Io, { master, path, kept }: NewMaster): string =>
  `${io.paint('green', 'Made')} master key ${master} in ${path}; the one before is ${kept}.
Back the new one up now. Then restart every server, and run: trilho vault rewrap`

function rewrappedText(io: Io, { master, tenants, keys, kept }: Rewrapped): string {
  const done = `${io.paint('green', 'Done')}: wrapped anew ${count(keys, 'key')} of ${count(tenants, 'tenant')}; master key ${master} now opens everything.`
  const files = kept.length > 0 ? ` (${kept.join(', ')})` : ''
  return `${done}\nAny key before it${files} opens only backups made until now: keep it with them, or destroy it with them. Take it out of TRILHO_PREVIOUS_MASTER_KEYS.`
}
