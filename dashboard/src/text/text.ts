import i18next from 'i18next'
import { useCallback } from 'react'
import { initReactI18next, useTranslation } from 'react-i18next'

/** What people read, in both languages. Each page has its own texts, beside it, with the same keys in each. */
export const LANGUAGES = ['en', 'pt-BR'] as const
export type Language = (typeof LANGUAGES)[number]

const KEPT = 'trilho.language'

const first = (): Language => {
  const kept = readKept()
  return kept === 'en' || kept === 'pt-BR' ? kept : preferred()
}

/** A framed page may be forbidden to look. */
function readKept(): string | null {
  try {
    return localStorage.getItem(KEPT)
  } catch {
    return null
  }
}

const preferred = (): Language => (navigator.language.startsWith('pt') ? 'pt-BR' : 'en')

void i18next.use(initReactI18next).init({
  lng: first(),
  fallbackLng: 'en',
  resources: {},
  initAsync: false,
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false }, // React does
})
document.documentElement.lang = i18next.language

export function speak(language: Language): void {
  localStorage.setItem(KEPT, language)
  speakHere(language)
}

/** On this page alone; null as the browser prefers. */
export function speakHere(wanted: Language | null): void {
  const language = wanted ?? preferred()
  document.documentElement.lang = language
  void i18next.changeLanguage(language)
}

export const spoken = (): Language => i18next.language as Language

/** `t('key')`; `{{name}}` in a text is filled from the values. */
export type Say<Key extends string> = (key: Key, values?: Record<string, string | number>) => string

/** Makes a hook that gives the texts of one page in the language that is spoken now. */
export function texts<Key extends string>(
  name: string,
  all: Record<Language, Record<Key, string>>,
): () => Say<Key> {
  for (const language of LANGUAGES) i18next.addResourceBundle(language, name, all[language])
  return () => {
    const { t } = useTranslation(name)
    return useCallback((key, values) => String(t(key, values as never)), [t])
  }
}
