import { texts } from '../../text/text.ts'
import type { Fault, Field } from './fields.ts'

export const useFormText = texts('connection_form', {
  en: {
    name: 'Name',
    name_about: 'As your people know this account',
    environment_about: 'Production uses live credentials, the others those of test',
    settings: 'Settings',
    credentials: 'Credentials',
    secrets: 'Kept sealed. Nobody can read them here again, only replace them.',
    secrets_kept:
      'They are set, and never shown. They stay as they are unless you replace them, all at once.',
    replace: 'Replace the credentials',
    forced: 'These settings need other credentials than those that are set: type them here.',
    limits: 'Limits and circuit breaker',
    bodies: 'Whole bodies of calls',
    keep_days: 'Keep them for so many days',
    keep_days_about:
      'What is sent and answered, kept whole and sealed. Empty: only the masked record is kept.',
    call_events: 'Events of calls',
    call_events_of: 'Calls that end in an event',
    call_events_about:
      'call.completed or call.failed, to whoever subscribes to them. There may be very many.',
    call_events_none: 'None',
    call_events_failures: 'Those that fail',
    call_events_all: 'All',
    required: 'Is required',
    integer: 'Must be a whole number',
    url: 'Must be a URL that begins with https:// or http://',
    url_user: 'Must not hold a user or password; set them as credentials',
    url_end: 'Must end before any ? or #',
    json: 'Must be valid JSON',
    headers: 'Must be a JSON object of header names to text',
    form: 'Does not have the right form',
    form_as: 'Does not have the right form; for example {{example}}',
    breaks: 'Must not hold line breaks or control characters; look for one at the end',
    at_least: 'Must be at least {{n}}',
    at_most: 'Must be at most {{n}}',
    too_long: 'Must not be longer than {{n}} characters',
  },
  'pt-BR': {
    name: 'Nome',
    name_about: 'Como a sua equipe conhece esta conta',
    environment_about: 'Produção usa credenciais reais; os outros, as de teste',
    settings: 'Configurações',
    credentials: 'Credenciais',
    secrets: 'Ficam seladas. Ninguém consegue lê-las aqui de novo, só substituí-las.',
    secrets_kept:
      'Estão definidas e nunca são mostradas. Ficam como estão, a menos que você as substitua, todas de uma vez.',
    replace: 'Substituir as credenciais',
    forced: 'Estas configurações pedem outras credenciais, diferentes das definidas: digite-as aqui.',
    limits: 'Limites e disjuntor',
    bodies: 'Corpos completos das chamadas',
    keep_days: 'Guardar por quantos dias',
    keep_days_about:
      'O que é enviado e respondido, guardado inteiro e selado. Vazio: só o registro mascarado é guardado.',
    call_events: 'Eventos das chamadas',
    call_events_of: 'Chamadas que terminam em um evento',
    call_events_about: 'call.completed ou call.failed, para quem os assina. Podem ser muitos.',
    call_events_none: 'Nenhuma',
    call_events_failures: 'As que falham',
    call_events_all: 'Todas',
    required: 'É obrigatório',
    integer: 'Deve ser um número inteiro',
    url: 'Deve ser uma URL que comece com https:// ou http://',
    url_user: 'Não pode conter usuário ou senha; defina-os como credenciais',
    url_end: 'Deve terminar antes de ? ou #',
    json: 'Deve ser um JSON válido',
    headers: 'Deve ser um objeto JSON de nomes de cabeçalho para texto',
    form: 'Não está no formato certo',
    form_as: 'Não está no formato certo; por exemplo {{example}}',
    breaks: 'Não pode conter quebras de linha ou caracteres de controle; procure um no final',
    at_least: 'Deve ser no mínimo {{n}}',
    at_most: 'Deve ser no máximo {{n}}',
    too_long: 'Não pode ter mais de {{n}} caracteres',
  },
})

/** What is wrong with a field, in words. */
export function useFaultWords(): (field: Field, fault: Fault) => string {
  const say = useFormText()
  return (field, fault) => {
    if ('n' in fault) return say(fault.name, { n: fault.n })
    const has_example = fault.name === 'form' && field.example !== undefined
    return has_example ? say('form_as', { example: field.example ?? '' }) : say(fault.name)
  }
}
