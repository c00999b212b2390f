import { compileFilter, lazily, type Matches, takes } from '../../kit/filter.ts'
import { parseExact } from '../../kit/mapping/mapping.ts'
import { contentOf, type Received, type Translated, translateMessage } from '../../kit/messages.ts'
import { type News, newsName, type OtherNews } from '../../kit/news.ts'
import type { App } from '../app.ts'
import { mapOut } from '../calls/calls.ts'
import type { Options } from './options.ts'
import { type ActiveSource, actorFor } from './sources.ts'

/** What a source leaves out by its content, and into which shape it brings the rest. The bytes stay as they came. */

const compiled = new WeakMap<Options, Matches>()

/** What cannot be judged is let through, as it is by the filter of a subscription. */
export function isLetThrough({ provider, options, settings }: ActiveSource, received: Received): boolean {
  if (options.filter === null) return true
  const matches = compiled.get(options) ?? compileFilter(options.filter)
  compiled.set(options, matches)
  const { headers, body } = received
  return takes(matches, lazily(contentOf(provider, { headers, body, settings })))
}

/**
 * What a message means. Where the source names types, one of these for which its provider has no words is told by the
 * vendor's own, as it came: whoever names it wants it.
 */
export function newsIn(
  { provider, options }: ActiveSource,
  event_type: string | null,
  received: Received,
): Translated {
  const read = translateMessage(provider, received)
  if (!read.ok || read.news.length > 0 || options.event_types === null || event_type === null) return read
  return {
    ok: true,
    news: [{ type: newsName(provider.id, event_type), data: contentOf(provider, received) }],
  }
}

export type Shaped = { ok: true; news: News[] } | { ok: false; problem: string; is_vendors: boolean }

/** News that is told in our words keeps them: only what is published as its vendor tells it is mapped. */
export async function shapeNews(
  app: App,
  source: ActiveSource,
  news: News[],
  message_id: string,
): Promise<Shaped> {
  const { mapping } = source.options
  if (mapping.length === 0) return { ok: true, news }
  const shaped: News[] = []
  for (const one of news) {
    if (one.data === undefined) {
      shaped.push(one)
      continue
    }
    const value = parseExact(one.data)
    const mapped = await mapOut(app, actorFor(source, message_id), mapping, value, { trace: false, depth: 0 })
    if (!mapped.ok) {
      const because = mapped.faults.map(({ field, reason }) => `${field} ${reason}`.trim()).join('; ')
      const is_vendors = mapping[mapped.step]?.kind === 'enrich'
      return { ok: false, problem: `step ${mapped.step} of the mapping: ${because}`, is_vendors }
    }
    const other: OtherNews = { type: one.type, data: JSON.stringify(mapped.output) }
    shaped.push(other)
  }
  return { ok: true, news: shaped }
}
