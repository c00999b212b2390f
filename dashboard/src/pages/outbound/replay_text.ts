import { texts } from '../../text/text.ts'

export const useText = texts('delivery_replays', {
  en: {
    none: 'Nothing was sent again yet',
    none_next: 'Choose a subscription, a period and which deliveries, count them, and start.',
    subscription: 'Subscription',
    choose: 'Choose one',
    state: 'Deliveries that are',
    missing: 'Missing: events it never got',
    types: 'Event types',
    status: 'Last answered',
    error: 'Error has the words',
    rate: 'At most, a second',
    all: 'All',
    no_limit: 'No limit',
  },
  'pt-BR': {
    none: 'Nada foi reenviado ainda',
    none_next: 'Escolha uma assinatura, um período e quais entregas, conte-as e inicie.',
    subscription: 'Assinatura',
    choose: 'Escolha uma',
    state: 'Entregas no estado',
    missing: 'Faltantes: eventos que nunca recebeu',
    types: 'Tipos de evento',
    status: 'Última resposta',
    error: 'Erro com as palavras',
    rate: 'No máximo, por segundo',
    all: 'Todos',
    no_limit: 'Sem limite',
  },
})
