/** The set-up guides of the providers of this build, each loaded when it is read. A provider of one's own has none. */
const FILES = import.meta.glob<string>('../../../../server/providers/*/setup.md', {
  query: '?raw',
  import: 'default',
})

export async function readGuide(provider: string): Promise<string | null> {
  const load = FILES[`../../../../server/providers/${provider}/setup.md`]
  return load ? load() : null
}
