import Type from 'typebox'
import type { Routes } from '../app.ts'
import { brcodeRoutes } from './brcode_routes.ts'
import {
  ComposeBoleto,
  ComposedBoleto,
  DocumentRead,
  DrawBoleto,
  ParseBoleto,
  ParsedBoleto,
  ReadDocument,
} from './schema.ts'
import { composeBoleto, drawBoleto, parseBoleto, parseDocument } from './tools.ts'

const config = { access: 'calls:read' } as const
const tags = ['Tools']

export const routes: Routes = (http, app) => {
  brcodeRoutes(http, app)

  http.post(
    '/v1/tools/boleto/parse',
    {
      config,
      schema: {
        operationId: 'parseBoleto',
        summary: 'Read a boleto',
        description:
          'From its barcode or its line; every check digit is verified. Whether it is registered only a bank knows.',
        tags,
        body: ParseBoleto,
        response: { 200: ParsedBoleto },
      },
    },
    async ({ body }) => parseBoleto(app, body),
  )

  http.post(
    '/v1/tools/boleto/compose',
    {
      config,
      schema: {
        operationId: 'composeBoleto',
        summary: 'Compose a boleto from its parts',
        description: 'Makes its number, and registers nothing: that is for the bank to do.',
        tags,
        body: ComposeBoleto,
        response: { 200: ComposedBoleto },
      },
    },
    async ({ body }) => composeBoleto(app, body),
  )

  http.post(
    '/v1/tools/boleto/draw',
    {
      config,
      schema: {
        operationId: 'drawBoleto',
        summary: 'Draw a boleto',
        description: 'Its barcode as SVG, or the slip to print and pay as PDF.',
        tags,
        body: DrawBoleto,
        response: {
          200: Type.Unsafe<Buffer>(Type.Unknown({ description: 'image/svg+xml or application/pdf' })),
        },
      },
    },
    async ({ body }, reply) => {
      const { type, bytes } = drawBoleto(app, body)
      return reply.type(type).send(bytes)
    },
  )

  http.post(
    '/v1/tools/document',
    {
      config,
      schema: {
        operationId: 'parseDocument',
        summary: 'Read a CPF or CNPJ',
        description: 'Its form and check digits, those of a CNPJ with letters too. Nothing is looked up.',
        tags,
        body: ReadDocument,
        response: { 200: DocumentRead },
      },
    },
    async ({ body }) => parseDocument(body),
  )
}
