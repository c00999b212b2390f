import { type Field, faultOf, isAsked } from '../connections/fields.ts'
import { useFaultWords } from '../connections/form_text.ts'
import { useText as useOptionText } from './option_text.ts'
import { type Draft, lines } from './source_draft.ts'
import { useText } from './source_text.ts'

const ADDRESS = /^[0-9a-fA-F:.]{2,45}(\/[0-9]{1,3})?$/
const HEADER = /^[A-Za-z0-9-]{1,100}:[\x20-\x7e]{0,1000}$/
const CONTENT_TYPE = /^[\x20-\x7e]{3,100}$/
const LONGEST_WAIT_S = 604_800

type Faults = Record<string, string | null>

/** What is wrong with a source as it is typed, by its field; the server checks all of it again. */
export function useChecks(is_set: boolean, fieldsOf: (provider: string) => readonly Field[]) {
  const say = useText()
  const ofSettings = useSettingChecks(is_set)
  const ofOptions = useOptionChecks()
  return (draft: Draft): Faults => ({
    provider: draft.provider ? null : say('required'),
    name: draft.name.trim() ? null : say('required'),
    ...ofSettings(fieldsOf(draft.provider), draft),
    ...ofOptions(draft),
  })
}

function useSettingChecks(is_set: boolean) {
  const words = useFaultWords()
  return (fields: readonly Field[], { settings }: Draft): Faults =>
    Object.fromEntries(
      fields
        .filter((field) => isAsked(field, settings))
        .map((field) => {
          const typed = settings[field.key]
          const stays = field.secret && is_set && !typed
          const fault = stays ? null : faultOf(field, typed)
          return [`settings.${field.key}`, fault && words(field, fault)]
        }),
    )
}

function useOptionChecks() {
  const say = useText()
  const word = useOptionText()
  /** Each line by a form, and so many of them at most. */
  const list = (text: string, most: number, fits: (line: string) => boolean) => {
    const all = lines(text)
    const odd = all.find((line) => !fits(line))
    if (odd !== undefined) return word('odd', { line: odd })
    return all.length > most ? word('too_many', { n: most }) : null
  }
  const filled = (text: string) => (text.trim() ? null : say('required'))
  const json = (text: string) => (isJson(text) ? null : say('not_json'))
  return ({ options: of }: Draft): Faults => ({
    'options.event_types': list(of.event_types, 100, (line) => line.length <= 128),
    'options.allowed_ips': list(of.allowed_ips, 200, (line) => ADDRESS.test(line)),
    'options.retry_schedule_s': list(of.retry_schedule_s.replace(/[\s,]+/g, '\n'), 20, isWait),
    'options.duplicates_fields':
      of.duplicates_by === 'fields'
        ? (filled(of.duplicates_fields) ?? list(of.duplicates_fields, 10, (line) => line.length <= 200))
        : null,
    'options.methods': of.methods.length > 0 ? null : say('required'),
    'options.filter': json(of.filter),
    'options.mapping': json(of.mapping),
    'options.schema': json(of.schema),
    ...(of.has_response && {
      'options.response.headers': list(of.response.headers, 20, (line) => HEADER.test(line)),
      'options.response.content_type': CONTENT_TYPE.test(of.response.content_type.trim())
        ? null
        : say('required'),
    }),
  })
}

const isWait = (text: string): boolean =>
  /^[0-9]{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= LONGEST_WAIT_S

function isJson(text: string): boolean {
  if (text.trim() === '') return true
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
