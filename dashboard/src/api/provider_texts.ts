import { type Language, spoken } from '../text/text.ts'

/**
 * What the providers of this build say of themselves, in other languages than theirs: by the English text. A provider of
 * one's own speaks as its file does.
 */
const FILES = import.meta.glob<Record<string, string>>('../../../server/providers/texts.*.json', {
  import: 'default',
})

type Field = { label: string; hint?: string | undefined }
type Told = { name: string; fields?: unknown; webhooks?: unknown }
type OfSource = { fields?: readonly Field[]; registration?: { fields: readonly Field[] } | null }

/** The texts of a language; none of English, which is theirs. */
async function textsIn(language: Language): Promise<Record<string, string>> {
  const load = FILES[`../../../server/providers/texts.${language}.json`]
  return load ? load() : {}
}

/** Providers as they are shown: names, labels and hints in the language that is spoken. */
export async function inOurLanguage<P extends Told>(providers: readonly P[]): Promise<P[]> {
  const texts = await textsIn(spoken())
  return providers.map((one) => translated(one, texts))
}

function translated<P extends Told>(provider: P, texts: Record<string, string>): P {
  const say = (text: string) => texts[text] ?? text
  const sayAll = (fields: readonly Field[]) =>
    fields.map((field) => ({
      ...field,
      label: say(field.label),
      ...(field.hint !== undefined && { hint: say(field.hint) }),
    }))
  const { name, fields, webhooks } = provider
  const of_source = (webhooks ?? null) as OfSource | null
  const target = of_source?.registration
  return {
    ...provider,
    name: say(name),
    ...(Array.isArray(fields) && { fields: sayAll(fields as Field[]) }),
    ...(of_source?.fields && {
      webhooks: {
        ...of_source,
        fields: sayAll(of_source.fields),
        ...(target && { registration: { ...target, fields: sayAll(target.fields) } }),
      },
    }),
  }
}
