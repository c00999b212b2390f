const COLOURS: Record<string, string> = { warn: '33', error: '31', fatal: '31', debug: '90', trace: '90' }

/** One JSON line of the log as one line for a person: time, level, message, fields; an error's stack below. */
export function prettyLine(line: string, colours: boolean): string {
  const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>
  const paint = (colour: string, text: string): string => (colours ? `\x1b[${colour}m${text}\x1b[0m` : text)
  const clock = String(time).slice(11, 23)
  const word = paint(COLOURS[String(level)] ?? '36', String(level).padEnd(5))
  const rest = Object.entries(fields).map(
    ([key, value]) => `${paint('90', `${plain(key)}=`)}${plain(brief(value))}`,
  )
  return `${[paint('90', clock), word, plain(String(msg ?? '')), ...rest].join(' ').trimEnd()}${errorBlock(err)}\n`
}

const brief = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)

function errorBlock(err: unknown): string {
  if (err === undefined || err === null) return ''
  const { stack, message } = err as { stack?: string; message?: string }
  const lines = (stack || message || JSON.stringify(err)).split('\n')
  return lines.map((line) => `\n  ${plain(line)}`).join('')
}

/** A stranger's text must not move the cursor, change colours or forge a line. */
const plain = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]/g, '�')
