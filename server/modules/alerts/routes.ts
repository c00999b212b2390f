import Type from 'typebox'
import type { App, Http, Routes } from '../app.ts'
import { IdParams } from '../wire.ts'
import * as alerts from './alerts.ts'
import { Alert, AlertQuery, Alerts, CreateRule, Mute, Rule, Rules, UpdateRule } from './schema.ts'

const tags = ['Alerts']
const read = { config: { access: 'alerts:read' } } as const
const operate = { config: { access: 'alerts:operate' } } as const
const write = { config: { access: 'alerts:write' } } as const

export const routes: Routes = (http, app) => {
  http.get(
    '/v1/alerts',
    {
      ...read,
      schema: {
        operationId: 'listAlerts',
        summary: 'List alerts, newest first',
        tags,
        querystring: AlertQuery,
        response: { 200: Alerts },
      },
    },
    (request) => alerts.listAlerts(app, request.actor, request.query),
  )

  http.get(
    '/v1/alerts/:id',
    {
      ...read,
      schema: {
        operationId: 'readAlert',
        summary: 'Read an alert',
        tags,
        params: IdParams,
        response: { 200: Alert },
      },
    },
    (request) => alerts.readAlert(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/alerts/:id/acknowledge',
    {
      ...operate,
      schema: {
        operationId: 'acknowledgeAlert',
        summary: 'Say that somebody is on it',
        tags,
        params: IdParams,
        response: { 200: Alert },
      },
    },
    (request) => alerts.acknowledgeAlert(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/alerts/:id/mute',
    {
      ...operate,
      schema: {
        operationId: 'muteAlert',
        summary: 'Hear nothing more of it for a while',
        tags,
        params: IdParams,
        body: Mute,
        response: { 200: Alert },
      },
    },
    (request) => alerts.muteAlert(app, request.actor, request.params.id, request.body),
  )

  ruleRoutes(http, app)
}

function ruleRoutes(http: Http, app: App): void {
  http.get(
    '/v1/alert-rules',
    {
      ...read,
      schema: {
        operationId: 'listAlertRules',
        summary: 'List the alert rules',
        description: 'Every tenant begins with one of each kind. There are at most 200.',
        tags,
        response: { 200: Rules },
      },
    },
    (request) => alerts.listRules(app, request.actor),
  )

  http.post(
    '/v1/alert-rules',
    {
      ...write,
      schema: {
        operationId: 'createAlertRule',
        summary: 'Create an alert rule',
        description:
          'What is left out is as usual for its kind. A rule for one connection stands in place of those for all.',
        tags,
        body: CreateRule,
        response: { 201: Rule },
      },
    },
    async (request, reply) => reply.code(201).send(await alerts.createRule(app, request.actor, request.body)),
  )

  http.get(
    '/v1/alert-rules/:id',
    {
      ...read,
      schema: {
        operationId: 'readAlertRule',
        summary: 'Read an alert rule',
        tags,
        params: IdParams,
        response: { 200: Rule },
      },
    },
    (request) => alerts.readRule(app, request.actor, request.params.id),
  )

  http.patch(
    '/v1/alert-rules/:id',
    {
      ...write,
      schema: {
        operationId: 'updateAlertRule',
        summary: 'Change an alert rule, or switch it off',
        tags,
        params: IdParams,
        body: UpdateRule,
        response: { 200: Rule },
      },
    },
    (request) => alerts.updateRule(app, request.actor, request.params.id, request.body),
  )

  http.delete(
    '/v1/alert-rules/:id',
    {
      ...write,
      schema: {
        operationId: 'deleteAlertRule',
        summary: 'Delete an alert rule',
        description: 'What fires by it is resolved within a minute.',
        tags,
        params: IdParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await alerts.deleteRule(app, request.actor, request.params.id)
      return reply.code(204).send(null)
    },
  )
}
