import Type from 'typebox'
import { apiKey, bearer, noAuth } from '../../kit/auth.ts'
import { defineProvider, operation, post } from '../../kit/provider.ts'
import { grpcFaults, grpc as speaksGrpc } from '../../kit/transports/grpc/grpc.ts'

/** Any gRPC service, by its .proto file or by what it tells of itself: JSON goes in and comes out. */
const Input = Type.Object(
  {
    service: Type.String({ pattern: '^[\\w.]{1,200}$', description: 'With its package: shop.v1.Invoices' }),
    method: Type.String({ pattern: '^\\w{1,200}$' }),
    message: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: '64-bit integers as text, bytes as base64' }),
    ),
  },
  { additionalProperties: false },
)
type Call = { service: string; method: string; message?: Record<string, unknown> }

const pathOf = ({ service, method }: Call): string => `/${service}/${method}`

export const grpc = defineProvider({
  id: 'grpc',
  name: 'Any gRPC service',
  category: 'generic',
  docs: 'https://grpc.io/docs/what-is-grpc/core-concepts/',
  transport: speaksGrpc,
  fields: [
    {
      key: 'base_url',
      label: 'Address',
      hint: 'https:// with TLS, http:// without',
      type: 'url',
      required: true,
      example: 'https://grpc.example.com:443',
    },
    {
      key: 'proto',
      label: 'Text of the .proto file',
      hint: 'left out where the server tells of itself by reflection',
      multiline: true,
      max_length: 500_000,
    },
    {
      key: 'test_method',
      label: 'Method of the test',
      pattern: '[\\w.]+/\\w+',
      default: 'grpc.health.v1.Health/Check',
    },
    { key: 'auth', label: 'Authentication', enum: ['none', 'bearer', 'api_key'], default: 'none' },
    { key: 'token', label: 'Token', secret: true, required: true, when: { auth: 'bearer' } },
    {
      key: 'api_key_name',
      label: 'Name of the metadata',
      required: true,
      pattern: '[a-z0-9._-]{1,100}',
      example: 'x-api-key',
      when: { auth: 'api_key' },
    },
    { key: 'api_key', label: 'API key', secret: true, required: true, when: { auth: 'api_key' } },
    {
      key: 'authority',
      label: 'Certificate of the authority',
      hint: 'in PEM, where it is none of the public ones',
      secret: true,
      multiline: true,
    },
  ],
  faults: grpcFaults,
  auth: ({ auth, api_key_name }) => {
    if (auth === 'bearer') return bearer('token')
    return auth === 'api_key' ? apiKey('header', String(api_key_name), 'api_key') : noAuth
  },
  limits: { timeout_ms: 30_000 },
  test: ({ test_method }) => ({ method: 'GET', path: `/${test_method}` }),
  operations: {
    'methods.call': operation({
      input: Input,
      request: (call) => post(pathOf(call), call.message ?? {}),
      reads: Type.Unknown(),
      translate: (answer) => answer,
    }),
    'methods.read': operation({
      input: Input,
      request: (call) => ({
        method: 'GET',
        path: pathOf(call),
        query: { message: JSON.stringify(call.message ?? {}) },
      }),
      reads: Type.Unknown(),
      translate: (answer) => answer,
    }),
  },
})
