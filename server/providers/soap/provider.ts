import Type from 'typebox'
import { basic, noAuth } from '../../kit/auth.ts'
import { defineProvider, get, operation, path, post } from '../../kit/provider.ts'
import { soapFaults, soap as speaksSoap } from '../../kit/transports/soap/soap.ts'

/** Any SOAP service, by its WSDL: JSON goes in and comes out. */
const Input = Type.Object(
  {
    operation: Type.String({ minLength: 1, maxLength: 200, description: 'Its name in the WSDL' }),
    input: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Elements by name, in the order of the schema; attributes begin with @',
      }),
    ),
  },
  { additionalProperties: false },
)

export const soap = defineProvider({
  id: 'soap',
  name: 'Any SOAP service',
  category: 'generic',
  docs: 'https://www.w3.org/TR/soap12-part1/',
  transport: speaksSoap,
  fields: [
    {
      key: 'base_url',
      label: 'Address of the service',
      type: 'url',
      required: true,
      example: 'https://erp.example.com/services/Invoices',
    },
    {
      key: 'wsdl',
      label: 'WSDL',
      hint: 'the whole document, WSDL 1.1',
      required: true,
      multiline: true,
      max_length: 500_000,
    },
    { key: 'version', label: 'Version of SOAP', enum: ['1.1', '1.2'], default: '1.1' },
    { key: 'auth', label: 'Authentication over HTTP', enum: ['none', 'basic'], default: 'none' },
    { key: 'username', label: 'User', secret: true, required: true, when: { auth: 'basic' } },
    { key: 'password', label: 'Password', secret: true, required: true, when: { auth: 'basic' } },
    {
      key: 'user_token',
      label: 'User name token of WS-Security',
      hint: 'with the password as text, or its digest',
      enum: ['none', 'text', 'digest'],
      default: 'none',
    },
    {
      key: 'token_username',
      label: 'User of the token',
      secret: true,
      required: true,
      when: { user_token: ['text', 'digest'] },
    },
    {
      key: 'token_password',
      label: 'Password of the token',
      secret: true,
      required: true,
      when: { user_token: ['text', 'digest'] },
    },
  ],
  faults: soapFaults,
  auth: ({ auth }) => (auth === 'basic' ? basic('username', 'password') : noAuth),
  limits: { timeout_ms: 60_000 },
  test: get('/wsdl'),
  operations: {
    'operations.call': operation({
      input: Input,
      request: ({ operation: name, input = {} }) => post(path`/operations/${name}`, input),
      reads: Type.Unknown(),
      translate: (answer) => answer,
    }),
  },
})
