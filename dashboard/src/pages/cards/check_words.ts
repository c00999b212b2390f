import { texts } from '../../text/text.ts'

const WORDS = [
  'match',
  'mismatch',
  'not_provided',
  'not_checked',
  'online',
  'chip',
  'contactless',
  'keyed_in',
  'swipe',
  'authenticated',
  'attempt_acknowledged',
  'failed',
  'required',
] as const

const useText = texts('card_check_words', {
  en: {
    match: 'Matches',
    mismatch: 'Does not match',
    not_provided: 'Not given',
    not_checked: 'Not checked',
    online: 'Online',
    chip: 'Chip',
    contactless: 'Contactless',
    keyed_in: 'Typed in',
    swipe: 'Swiped',
    authenticated: 'Authenticated',
    attempt_acknowledged: 'Attempted',
    failed: 'Failed',
    required: 'Required',
  },
  'pt-BR': {
    match: 'Confere',
    mismatch: 'Não confere',
    not_provided: 'Não informado',
    not_checked: 'Não conferido',
    online: 'Online',
    chip: 'Chip',
    contactless: 'Por aproximação',
    keyed_in: 'Digitado',
    swipe: 'Tarja',
    authenticated: 'Autenticado',
    attempt_acknowledged: 'Tentado',
    failed: 'Falhou',
    required: 'Exigido',
  },
})

/** How a card was presented and what was checked, in words; one that has none yet is shown as it is. */
export function useCheckWord(): (word: string | null) => string | null {
  const say = useText()
  return (word) => {
    const known = WORDS.find((one) => one === word)
    return known ? say(known) : word
  }
}
