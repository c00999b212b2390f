import { type BrCode, readBrCode } from '../../kit/brazil/brcode.ts'
import { writeBrCode } from '../../kit/brazil/brcode_write.ts'
import { drawPng, drawSvg } from '../../kit/qr.ts'
import type { DecodeBrCode, EncodeBrCode } from './brcode_schema.ts'

/** What a BR Code says, or the rule it breaks. */
export function decodeBrCode({ text, qr }: DecodeBrCode) {
  const code = readBrCode(text)
  return code.valid ? told(code, text.trim(), qr) : code
}

/** The BR Code that says it, or the rule against it. */
export function encodeBrCode({ qr, ...input }: EncodeBrCode) {
  const written = writeBrCode(input)
  return written.valid ? told(written.code, written.text, qr) : written
}

const told = (code: BrCode, text: string, qr: EncodeBrCode['qr']) => ({
  ...code,
  text,
  qr: qr === undefined ? null : picture(text, qr),
})

const picture = (text: string, format: 'svg' | 'png') =>
  format === 'svg'
    ? { media_type: 'image/svg+xml' as const, content: drawSvg(text) }
    : { media_type: 'image/png' as const, content: drawPng(text).toString('base64') }
