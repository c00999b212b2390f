import type { Refusal } from '../kit/brazil/refusal.ts'
import { card, EXIT, failure, type Io, type Printed } from './output.ts'

/** Prints what the text is, or each line of standard input, in their order; ends in failure where one is not valid. */
export async function readAll<Read extends { valid: true }>(
  io: Io,
  text: string,
  { json }: Printed,
  read: (text: string) => Read | Refusal,
  brief: (read: Read) => string,
): Promise<void> {
  const print = json ? JSON.stringify : (one: Read | Refusal) => (one.valid ? brief(one) : whyNot(one))
  if (text !== '-') {
    const one = read(text)
    if (json || one.valid) io.out(json ? JSON.stringify(one) : card(io, one))
    if (!one.valid) throw failure(EXIT.failed, whyNot(one))
    return
  }
  let [all, refused] = [0, 0]
  for await (const texts of io.lines()) {
    const found = texts.map(read)
    all += found.length
    refused += found.filter(({ valid }) => !valid).length
    io.out(found.map((one) => print(one)).join('\n'))
  }
  if (refused > 0) throw failure(EXIT.failed, `${refused} of ${all} are not valid`)
}

export const whyNot = ({ rule, reason }: Refusal): string => `not valid, ${rule}: ${reason}`
