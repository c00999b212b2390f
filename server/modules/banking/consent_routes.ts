import Type from 'typebox'
import type { App, Http } from '../app.ts'
import { IdParams, PageQuery } from '../wire.ts'
import {
  Consent,
  Consents,
  CreateConsent,
  CreatedConsent,
  ExtendConsent,
  ParticipantQuery,
  Participants,
  Visit,
  VisitConsent,
} from './consent_schema.ts'
import * as consents from './consents.ts'
import { findParticipants } from './participants.ts'

const read = { config: { access: 'banking:read' } } as const
const write = { config: { access: 'banking:write' } } as const
const tags = ['Banking']

export function consentRoutes(http: Http, app: App): void {
  participants(http, app)
  creating(http, app)
  reading(http, app)
  changing(http, app)
}

function participants(http: Http, app: App): void {
  http.get(
    '/v1/banks/participants',
    {
      ...read,
      schema: {
        operationId: 'findParticipants',
        summary: 'Find a bank in the directories of Open Finance',
        description: 'A test key looks in the directory of the test world. Read anew once an hour.',
        tags,
        querystring: ParticipantQuery,
        response: { 200: Participants },
      },
    },
    (request) => findParticipants(app, request.actor, request.query),
  )
}

function creating(http: Http, app: App): void {
  http.post(
    '/v1/banks/:id/consents',
    {
      ...write,
      schema: {
        operationId: 'createConsent',
        summary: 'Ask a bank for a consent',
        description:
          'Send the person to `redirect_url`, within a minute. What they decide is told by the events `consent.authorised` and `consent.rejected`; a consent that nobody authorises within the hour is over.',
        tags,
        params: IdParams,
        body: CreateConsent,
        response: { 201: CreatedConsent },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await consents.createConsent(app, request.actor, request.params.id, request.body)),
  )

  http.post(
    '/v1/bank-consents/:id/visit',
    {
      ...write,
      schema: {
        operationId: 'visitConsent',
        summary: 'Get another address to send the person to',
        tags,
        params: IdParams,
        body: VisitConsent,
        response: { 201: Visit },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await consents.visitConsent(app, request.actor, request.params.id, request.body)),
  )
}

function reading(http: Http, app: App): void {
  http.get(
    '/v1/banks/:id/consents',
    {
      ...read,
      schema: {
        operationId: 'listConsents',
        summary: 'List the consents of a bank, newest first',
        tags,
        params: IdParams,
        querystring: PageQuery,
        response: { 200: Consents },
      },
    },
    (request) => consents.listConsents(app, request.actor, request.params.id, request.query),
  )

  http.get(
    '/v1/bank-consents',
    {
      ...read,
      schema: {
        operationId: 'listAllConsents',
        summary: 'List consents over all banks, newest first',
        tags,
        querystring: PageQuery,
        response: { 200: Consents },
      },
    },
    (request) => consents.listAllConsents(app, request.actor, request.query),
  )

  http.get(
    '/v1/bank-consents/:id',
    {
      ...read,
      schema: {
        operationId: 'readConsent',
        summary: 'Read a consent',
        tags,
        params: IdParams,
        response: { 200: Consent },
      },
    },
    (request) => consents.readConsent(app, request.actor, request.params.id),
  )
}

function changing(http: Http, app: App): void {
  http.post(
    '/v1/bank-consents/:id/extend',
    {
      ...write,
      schema: {
        operationId: 'extendConsent',
        summary: 'Extend a consent, in the name of its person',
        description: 'Nobody is sent to the bank; the person has to be here and say so.',
        tags,
        params: IdParams,
        body: ExtendConsent,
        response: { 200: Consent },
      },
    },
    (request) => consents.extendConsent(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/bank-consents/:id',
    {
      ...write,
      schema: {
        operationId: 'revokeConsent',
        summary: 'Revoke a consent',
        description: 'Its token is dropped at once, and the bank is told as soon as it can be.',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await consents.revokeConsent(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
