import type { Command } from 'commander'
import { type Document, readDocument } from '../kit/brazil/document.ts'
import type { RegisterCommand } from './cli.ts'
import { examples, type Io, type Printed } from './output.ts'
import { boleto } from './tools_boleto.ts'
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

function document(group: Command, io: Io): void {
  const command = group
    .command('document <text>')
    .description('Read a CPF or a CNPJ, with letters or without; - reads one on each line of stdin')
    .action((text: string, options: Printed) => readAll(io, text, options, readDocument, brief))
  examples(
    command,
    'tools document 529.982.247-25',
    'tools document 12.ABC.345/01DE-35 --json',
    'tools document - --json < documents.txt',
  )
}

const brief = ({ kind, formatted }: Document): string => `${kind}  ${formatted}`
