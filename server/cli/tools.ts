import type { Command } from 'commander'
import { type Boleto, readBoleto } from '../kit/brazil/boleto.ts'
import { dateOf, daysOf } from '../kit/brazil/days.ts'
import { type Document, readDocument } from '../kit/brazil/document.ts'
import { systemClock } from '../platform/clock.ts'
import type { RegisterCommand } from './cli.ts'
import { EXIT, examples, failure, type Io, type Printed } from './output.ts'
import { brcode } from './tools_brcode.ts'
import { readAll } from './tools_read.ts'

/** What Brazil's papers say, read here: no server is asked. */
export const tools: RegisterCommand = (program, io) => {
  const group = program
    .command('tools')
    .description('Read boletos, BR Codes, CPF and CNPJ; no server is needed')
  boleto(group, io)
  brcode(group, io)
  document(group, io)
}

function boleto(group: Command, io: Io): void {
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
    .action(async (text: string, options: Printed & { referenceDate: string }) => {
      if (daysOf(options.referenceDate) === null)
        throw failure(EXIT.usage, '--reference-date wants a day that exists, written YYYY-MM-DD')
      await readAll(io, text, options, (one) => readBoleto(one, options.referenceDate), briefBoleto)
    })
  examples(
    command,
    'tools boleto "42297.00408 00002.782472 26173.001129 6 10010000018084"',
    'tools boleto 84610000000246100291100054603390069589506108 --json',
    'tools boleto - --json --reference-date 2026-11-30 < boletos.txt',
  )
}

function document(group: Command, io: Io): void {
  const command = group
    .command('document <text>')
    .description('Read a CPF or a CNPJ, with letters or without; - reads one on each line of stdin')
    .action((text: string, options: Printed) => readAll(io, text, options, readDocument, briefDocument))
  examples(
    command,
    'tools document 529.982.247-25',
    'tools document 12.ABC.345/01DE-35 --json',
    'tools document - --json < documents.txt',
  )
}

const briefBoleto = ({ kind, formatted, amount, due_date }: Boleto): string =>
  [kind, formatted, amount === null ? '-' : inReais(amount), due_date ?? '-'].join('  ')

const briefDocument = ({ kind, formatted }: Document): string => `${kind}  ${formatted}`

const inReais = (cents: number): string => {
  const digits = String(cents).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

const today = (): string => dateOf(Math.floor(systemClock.now().getTime() / 86_400_000))
