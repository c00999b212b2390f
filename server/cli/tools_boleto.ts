import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { barcodeSvg } from '../kit/brazil/bars.ts'
import { type Boleto, readBoleto } from '../kit/brazil/boleto.ts'
import { dateOf, daysOf } from '../kit/brazil/days.ts'
import { drawSlip } from '../kit/brazil/slip.ts'
import { systemClock } from '../platform/clock.ts'
import { EXIT, examples, failure, type Io, type Printed, readArgument } from './output.ts'
import { readAll, whyNot } from './tools_read.ts'

type Options = Printed & { referenceDate: string; draw?: 'svg' | 'pdf'; file: string }

export function boleto(group: Command, io: Io): void {
  const command = group
    .command('boleto <text>')
    .description(
      'Read a barcode or typeable line, of a bank or a collection; - reads one on each line of stdin',
    )
    .option(
      '--reference-date <date>',
      'the day it is read on, which tells the cycle of its due date',
      today(),
    )
    .addOption(
      new Option('--draw <format>', 'draw the barcode or the slip in place of printing').choices([
        'svg',
        'pdf',
      ]),
    )
    .option('--file <path>', 'where the picture goes, - for stdout', '-')
    .action(async (text: string, options: Options) => {
      if (daysOf(options.referenceDate) === null)
        throw failure(EXIT.usage, '--reference-date wants a day that exists, written YYYY-MM-DD')
      const read = (one: string) => readBoleto(one, options.referenceDate)
      if (options.draw === undefined) await readAll(io, text, options, read, brief)
      else await draw(io, read(await readArgument(io, text)), options)
    })
  examples(
    command,
    'tools boleto "42297.00408 00002.782472 26173.001129 6 10010000018084"',
    'tools boleto 84610000000246100291100054603390069589506108 --json',
    'tools boleto - --json --reference-date 2026-11-30 < boletos.txt',
    'tools boleto 84610000000246100291100054603390069589506108 --draw pdf --file slip.pdf',
  )
}

async function draw(io: Io, read: ReturnType<typeof readBoleto>, { draw, file }: Options): Promise<void> {
  if (!read.valid) throw failure(EXIT.failed, whyNot(read))
  const picture = draw === 'svg' ? Buffer.from(barcodeSvg(read.barcode)) : drawSlip(read)
  if (file === '-') return io.bytes(picture)
  await writeFile(file, picture).catch((error: Error) => {
    throw failure(EXIT.failed, `${file} cannot be written: ${error.message}`)
  })
}

const brief = ({ kind, formatted, amount, due_date }: Boleto): string =>
  [kind, formatted, amount === null ? '-' : decimal(amount), due_date ?? '-'].join('  ')

/** Cents as `180.84`. */
const decimal = (cents: number): string => {
  const digits = String(cents).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

const today = (): string => dateOf(Math.floor(systemClock.now().getTime() / 86_400_000))
