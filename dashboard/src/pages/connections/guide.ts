import type { Language } from '../../text/text.ts'

/** The set-up guides of the providers of this build, each loaded when it is read. A provider of one's own has none. */
const FILES = import.meta.glob<string>('../../../../server/providers/*/setup*.md', {
  query: '?raw',
  import: 'default',
})

/** In English where there is none in this language. */
export async function readGuide(provider: string, language: Language): Promise<string | null> {
  const folder = `../../../../server/providers/${provider}`
  const load = FILES[`${folder}/setup.${language}.md`] ?? FILES[`${folder}/setup.md`]
  return load ? load() : null
}
