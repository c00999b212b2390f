import { type Client, inPath } from './client.ts'
import { type Io, readPairs } from './output.ts'

type Field = { key: string; type?: string }
type Manifest = { fields: Field[]; webhooks: { fields: Field[] } | null }

const NOT_TEXT = ['boolean', 'integer', 'json', 'headers']

/**
 * The `--setting` flags as the provider wants them: what is no text there is read as JSON, `true` or `{"x":1}`. What it
 * cannot be read as stays text, and the server says what is wrong with it, as it does where the manifest may not be seen.
 */
export async function readSettings(
  client: Client,
  io: Io,
  provider: string,
  of: 'connection' | 'source',
  pairs: string[] = [],
): Promise<Record<string, unknown>> {
  const texts = await readPairs(io, '--setting', pairs)
  if (pairs.length === 0) return texts
  const manifest = await client.get<Manifest>(`/v1/providers/${inPath(provider)}`).catch(() => null)
  const fields = (of === 'source' ? manifest?.webhooks?.fields : manifest?.fields) ?? []
  const types = new Map(fields.map(({ key, type = 'text' }) => [key, type]))
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [
      key,
      NOT_TEXT.includes(types.get(key) ?? 'text') ? jsonOrText(text) : text,
    ]),
  )
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
