import { texts } from '../../text/text.ts'

export const useText = texts('message_replays', {
  en: {
    none: 'Nothing was processed again yet',
    none_next: 'Choose a period and which messages, count them, and start.',
    states: 'Messages that are',
    source: 'Source',
    type: 'Type',
    rate: 'At most, a second',
    all: 'All',
    no_limit: 'No limit',
  },
  'pt-BR': {
    none: 'Nada foi reprocessado ainda',
    none_next: 'Escolha um período e quais mensagens, conte-as e inicie.',
    states: 'Mensagens no estado',
    source: 'Fonte',
    type: 'Tipo',
    rate: 'No máximo, por segundo',
    all: 'Todos',
    no_limit: 'Sem limite',
  },
})
