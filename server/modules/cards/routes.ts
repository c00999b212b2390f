import Type from 'typebox'
import type { Routes } from '../app.ts'
import * as cards from './cards.ts'
import { ruleRoutes } from './rule_routes.ts'
import {
  BlockCard,
  CancelCard,
  Card,
  CardLimits,
  CardQuery,
  CardStory,
  Cards,
  IdParams,
  IssueCard,
  ResolveCard,
  SetPin,
} from './schema.ts'
import {
  AuthorizationQuery,
  AuthorizationStory,
  Authorizations,
  TransactionQuery,
  Transactions,
} from './taking_schema.ts'

const read = { config: { access: 'cards:read' } } as const
const write = { config: { access: 'cards:write', acts_outside: true } } as const
const tags = ['Cards']
const params = IdParams

export const routes: Routes = (http, app) => {
  byCard(http, app)
  byHand(http, app)
  changes(http, app)
  takings(http, app)
  ruleRoutes(http, app)
}

const byCard: Routes = (http, app) => {
  http.post(
    '/v1/cards',
    {
      ...write,
      schema: {
        operationId: 'issueCard',
        summary: 'Issue a card',
        description:
          'Send an `Idempotency-Key`. `processing` means that its outcome was not seen; it is asked for until it is known, and told by an event.',
        tags,
        body: IssueCard,
        response: { 201: Card },
      },
    },
    async (request, reply) => reply.code(201).send(await cards.issueCard(app, request.actor, request.body)),
  )
  http.get(
    '/v1/cards',
    {
      ...read,
      schema: {
        operationId: 'listCards',
        summary: 'List cards, newest first',
        tags,
        querystring: CardQuery,
        response: { 200: Cards },
      },
    },
    (request) => cards.listCards(app, request.actor, request.query),
  )
  http.get(
    '/v1/cards/:id',
    {
      ...read,
      schema: {
        operationId: 'readCard',
        summary: 'Read a card, with what made it what it is',
        tags,
        params,
        response: { 200: CardStory },
      },
    },
    (request) => cards.readCard(app, request.actor, request.params.id),
  )
  http.post(
    '/v1/cards/:id/refresh',
    {
      ...write,
      schema: {
        operationId: 'refreshCard',
        summary: 'Ask the vendor how a card is',
        tags,
        params,
        response: { 200: CardStory },
      },
    },
    (request) => cards.refreshCard(app, request.actor, request.params.id),
  )
}

const byHand: Routes = (http, app) => {
  http.post(
    '/v1/cards/:id/resolve',
    {
      ...write,
      schema: {
        operationId: 'resolveCard',
        summary: 'Say by hand what became of a card whose vendor cannot say it',
        description: 'A card that was issued is read at the vendor by its `vendor_id`.',
        tags,
        params,
        body: ResolveCard,
        response: { 200: Card },
      },
    },
    (request) => cards.resolveCard(app, request.actor, request.params.id, request.body),
  )
}

const changes: Routes = (http, app) => {
  http.post(
    '/v1/cards/:id/activate',
    {
      ...write,
      schema: {
        operationId: 'activateCard',
        summary: 'Let a card be used that was issued inactive',
        tags,
        params,
        response: { 200: Card },
      },
    },
    (request) => cards.activateCard(app, request.actor, request.params.id),
  )
  http.post(
    '/v1/cards/:id/block',
    {
      ...write,
      schema: {
        operationId: 'blockCard',
        summary: 'Block a card, and say why',
        description:
          'Holds from the moment it is asked for; the vendor is asked until it holds there too. Only a block at the wish of the customer can be taken back.',
        tags,
        params,
        body: BlockCard,
        response: { 200: Card },
      },
    },
    (request) => cards.blockCard(app, request.actor, request.params.id, request.body),
  )
  http.post(
    '/v1/cards/:id/unblock',
    {
      ...write,
      schema: {
        operationId: 'unblockCard',
        summary: 'Let a card be used again',
        tags,
        params,
        response: { 200: Card },
      },
    },
    (request) => cards.unblockCard(app, request.actor, request.params.id),
  )
  http.post(
    '/v1/cards/:id/cancel',
    {
      ...write,
      schema: {
        operationId: 'cancelCard',
        summary: 'Cancel a card for good',
        tags,
        params,
        body: CancelCard,
        response: { 200: Card },
      },
    },
    (request) => cards.cancelCard(app, request.actor, request.params.id, request.body),
  )
  http.put(
    '/v1/cards/:id/limits',
    {
      ...write,
      schema: {
        operationId: 'setCardLimits',
        summary: 'Set all limits of a card, here and at its vendor',
        tags,
        params,
        body: CardLimits,
        response: { 200: Card },
      },
    },
    (request) => cards.setLimits(app, request.actor, request.params.id, request.body),
  )
  http.post(
    '/v1/cards/:id/pin',
    {
      ...write,
      schema: {
        operationId: 'setCardPin',
        summary: 'Set the PIN of a card, encrypted for its vendor',
        description: 'A plain PIN is refused. It passes through memory alone and is never kept or logged.',
        tags,
        params,
        body: SetPin,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await cards.setPin(app, request.actor, request.params.id, request.body)
      return reply.code(204).send(null)
    },
  )
}

const takings: Routes = (http, app) => {
  http.get(
    '/v1/cards/authorizations',
    {
      ...read,
      schema: {
        operationId: 'listCardAuthorizations',
        summary: 'List authorizations on cards, newest first',
        tags,
        querystring: AuthorizationQuery,
        response: { 200: Authorizations },
      },
    },
    (request) => cards.listAuthorizations(app, request.actor, request.query),
  )
  http.get(
    '/v1/cards/authorizations/:id',
    {
      ...read,
      schema: {
        operationId: 'readCardAuthorization',
        summary: 'Read an authorization, with what was decided about it and why',
        tags,
        params,
        response: { 200: AuthorizationStory },
      },
    },
    (request) => cards.readAuthorization(app, request.actor, request.params.id),
  )
  http.post(
    '/v1/cards/authorizations/:id/refresh',
    {
      ...write,
      schema: {
        operationId: 'refreshCardAuthorization',
        summary: 'Ask the vendor how an authorization is',
        tags,
        params,
        response: { 200: AuthorizationStory },
      },
    },
    (request) => cards.refreshAuthorization(app, request.actor, request.params.id),
  )
  http.get(
    '/v1/cards/transactions',
    {
      ...read,
      schema: {
        operationId: 'listCardTransactions',
        summary: 'List what merchants took from cards and gave back, newest first',
        tags,
        querystring: TransactionQuery,
        response: { 200: Transactions },
      },
    },
    (request) => cards.listTransactions(app, request.actor, request.query),
  )
}
