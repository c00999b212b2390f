import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { type BrCode, readBrCode } from '../kit/brazil/brcode.ts'
import { drawPng, drawSvg } from '../kit/qr.ts'
import { EXIT, examples, failure, type Io, type Printed, readArgument } from './output.ts'
import { readAll, whyNot } from './tools_read.ts'

type Options = Printed & { qr?: 'svg' | 'png'; file?: string }

export function brcode(group: Command, io: Io): void {
  const command = group
    .command('brcode <text>')
    .description('Read a BR Code (Pix copia e cola); - reads one on each line of stdin')
    .addOption(
      new Option('--qr <format>', 'draw it as a QR code in place of printing').choices(['svg', 'png']),
    )
    .option('--file <path>', 'where the picture goes, - for stdout', '-')
    .action((text: string, options: Options) =>
      options.qr === undefined ? readAll(io, text, options, readBrCode, brief) : draw(io, text, options),
    )
  examples(
    command,
    'tools brcode "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D"',
    'tools brcode - --json < codes.txt',
    'tools brcode "$CODE" --qr png --file pix.png',
  )
}

const brief = ({ type, key, url, amount, merchant_name }: BrCode): string =>
  [type, key ?? url, amount ?? '-', merchant_name].join('  ')

async function draw(io: Io, given: string, { qr, file = '-' }: Options): Promise<void> {
  const text = (await readArgument(io, given)).trim()
  const code = readBrCode(text)
  if (!code.valid) throw failure(EXIT.failed, whyNot(code))
  const picture = qr === 'png' ? drawPng(text) : drawSvg(text)
  if (file !== '-') await writeFile(file, picture)
  else if (typeof picture === 'string') io.out(picture)
  else io.bytes(picture)
}
