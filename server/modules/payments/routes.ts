import Type from 'typebox'
import type { Routes } from '../app.ts'
import { CreatePayment } from './create_schema.ts'
import { disputeRoutes } from './dispute_routes.ts'
import * as payments from './payments.ts'
import { reconcileRoutes } from './reconcile_routes.ts'
import { ResolvePayment, ResolveRefund } from './resolve_schema.ts'
import { routingRoutes } from './routing_routes.ts'
import {
  AskedPayment,
  AskedStory,
  CancelPayment,
  CapturePayment,
  CreateRefund,
  IdParams,
  PageQuery,
  Payment,
  PaymentQuery,
  PaymentStory,
  Payments,
  QrQuery,
  Refund,
  Refunds,
} from './schema.ts'

const read = { config: { access: 'payments:read' } } as const
const write = { config: { access: 'payments:write', acts_outside: true } } as const
const tags = ['Payments']

export const routes: Routes = (http, app) => {
  reconcileRoutes(http, app)
  routingRoutes(http, app)
  disputeRoutes(http, app)
  http.post(
    '/v1/payments',
    {
      config: { ...write.config, keyed_by_body: true },
      schema: {
        operationId: 'createPayment',
        summary: 'Make a payment',
        description:
          'Send an `Idempotency-Key`. `processing` means that its outcome was not seen; it is asked for until it is known, and told by an event.',
        tags,
        body: CreatePayment,
        response: { 201: AskedPayment },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await payments.createPayment(app, request.actor, request.body)),
  )

  http.get(
    '/v1/payments',
    {
      ...read,
      schema: {
        operationId: 'listPayments',
        summary: 'List payments, newest first',
        tags,
        querystring: PaymentQuery,
        response: { 200: Payments },
      },
    },
    (request) => payments.listPayments(app, request.actor, request.query),
  )

  http.get(
    '/v1/payments/:id',
    {
      ...read,
      schema: {
        operationId: 'readPayment',
        summary: 'Read a payment, with what made it what it is',
        tags,
        params: IdParams,
        response: { 200: PaymentStory },
      },
    },
    (request) => payments.readPayment(app, request.actor, request.params.id),
  )

  http.get(
    '/v1/payments/:id/qr',
    {
      ...read,
      schema: {
        operationId: 'drawPayment',
        summary: 'Draw the Pix code of a payment as a QR code',
        description: 'Of one that waits for its payer.',
        tags,
        params: IdParams,
        querystring: QrQuery,
        response: { 200: Type.Unsafe<Buffer>(Type.Unknown({ description: 'image/svg+xml or image/png' })) },
      },
    },
    async (request, reply) => {
      const { type, bytes } = await payments.drawPayment(app, request.actor, request.params.id, request.query)
      return reply.type(type).send(bytes)
    },
  )

  http.post(
    '/v1/payments/:id/capture',
    {
      ...write,
      schema: {
        operationId: 'capturePayment',
        summary: 'Take money that is held, or a part of it',
        tags,
        params: IdParams,
        body: CapturePayment,
        response: { 200: Payment },
      },
    },
    (request) => payments.capturePayment(app, request.actor, request.params.id, request.body),
  )

  http.post(
    '/v1/payments/:id/cancel',
    {
      ...write,
      schema: {
        operationId: 'cancelPayment',
        summary: 'Give up a payment that was not made, and release what it holds',
        tags,
        params: IdParams,
        body: CancelPayment,
        response: { 200: Payment },
      },
    },
    (request) => payments.cancelPayment(app, request.actor, request.params.id, request.body),
  )

  http.post(
    '/v1/payments/:id/confirm',
    {
      ...write,
      schema: {
        operationId: 'confirmPayment',
        summary: 'Send a payment that was held to be looked at',
        tags,
        params: IdParams,
        response: { 200: AskedPayment },
      },
    },
    (request) => payments.confirmPayment(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/payments/:id/resolve',
    {
      ...write,
      schema: {
        operationId: 'resolvePayment',
        summary: 'Say by hand what became of a payment whose vendor cannot say it',
        tags,
        params: IdParams,
        body: ResolvePayment,
        response: { 200: Payment },
      },
    },
    (request) => payments.resolvePayment(app, request.actor, request.params.id, request.body),
  )

  http.post(
    '/v1/payments/:id/refresh',
    {
      ...write,
      schema: {
        operationId: 'refreshPayment',
        summary: 'Ask the vendor how a payment is',
        tags,
        params: IdParams,
        response: { 200: AskedStory },
      },
    },
    (request) => payments.refreshPayment(app, request.actor, request.params.id),
  )

  http.post(
    '/v1/payments/:id/refunds',
    {
      ...write,
      schema: {
        operationId: 'createRefund',
        summary: 'Give back a payment, or a part of it',
        description:
          'Several are taken, also at once, and together never above what was captured. Send an `Idempotency-Key`.',
        tags,
        params: IdParams,
        body: CreateRefund,
        response: { 201: Refund },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await payments.createRefund(app, request.actor, request.params.id, request.body)),
  )

  http.get(
    '/v1/payments/:id/refunds',
    {
      ...read,
      schema: {
        operationId: 'listRefunds',
        summary: 'List the refunds of a payment, newest first',
        tags,
        params: IdParams,
        querystring: PageQuery,
        response: { 200: Refunds },
      },
    },
    (request) => payments.listRefunds(app, request.actor, request.params.id, request.query),
  )

  http.post(
    '/v1/refunds/:id/resolve',
    {
      ...write,
      schema: {
        operationId: 'resolveRefund',
        summary: 'Say by hand what became of a refund whose vendor cannot say it',
        tags,
        params: IdParams,
        body: ResolveRefund,
        response: { 200: Refund },
      },
    },
    (request) => payments.resolveRefund(app, request.actor, request.params.id, request.body),
  )
}
