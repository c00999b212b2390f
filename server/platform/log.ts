import pino from 'pino'
import { mask, maskObject, maskText } from './mask.ts'
import { prettyLine } from './pretty.ts'

/**
 * The log: one wide line per request and per crossing, with everything known about it as fields, rather than
 * many lines that must be put together. Personal data and secrets are hidden by `mask.ts` before a line is
 * made, in messages, fields, errors and the fields of child loggers alike.
 */
export type Log = pino.Logger

type Options = {
  level: string
  /** Absent: pretty where the destination is a terminal, JSON otherwise. */
  format?: 'json' | 'pretty' | undefined
  /** Absent: standard output. */
  destination?: { write(line: string): unknown }
}

export function createLog({ level, format, destination }: Options): Log {
  const terminal = destination === undefined && process.stdout.isTTY
  const pretty = format === undefined ? terminal : format === 'pretty'
  const out = destination ?? openOutput(pretty)
  const colours = terminal && process.stdout.hasColors()
  const log = pino(
    {
      level,
      base: null,
      timestamp: timestamps(),
      formatters: { level: (label) => ({ level: label }), log: maskFields },
      // `maskObject` has already made plain data of an error
      serializers: {
        err: (error: unknown) => error,
        msg: (text: unknown) => (typeof text === 'string' ? maskText(text) : mask(text)),
      },
    },
    pretty ? { write: (line: string) => void out.write(prettyLine(line, colours)) } : out,
  )
  maskChildren(log)
  return log
}

// Written by the page rather than by the line; nothing waits longer than this. sonic-boom measures the page anew with
// each line it adds, so a large page costs more than the writes it saves: 6.3 µs a line at 48 kB, 1.2 at 8 kB.
const GATHER = { sync: false, minLength: 8_191, maxWrite: 8_192, periodicFlush: 100 }

const openOutput = (pretty: boolean) => pino.destination({ fd: 1, ...(pretty ? { sync: true } : GATHER) })

/** pino does not pass the fields of a child through its formatters. Children inherit this method too. */
function maskChildren(log: Log): void {
  const child = log.child
  log.child = function (this: Log, fields: pino.Bindings, options: never) {
    return child.call(this, maskFields(fields), options)
  } as typeof log.child
}

/** Under load many lines share a millisecond. */
function timestamps(): () => string {
  let at = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== at) {
      at = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

/** Marks fields that are all our own words: there is nothing of a stranger's in them to hide. */
export const OURS: unique symbol = Symbol('nothing to mask')

/** A log line is never why a request fails, so fields that throw when they are read are left out. */
function maskFields(fields: Record<string, unknown>): Record<string, unknown> {
  if (OURS in fields) return fields
  try {
    return maskObject(fields)
  } catch (error) {
    return { fields_unreadable: maskText(String(error)) }
  }
}
