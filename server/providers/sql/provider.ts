import Type, { type Static } from 'typebox'
import { noAuth } from '../../kit/auth.ts'
import { defineProvider, get, operation, path, post } from '../../kit/provider.ts'
import { Statements, sql as speaksSql, statementFaults } from '../../kit/transports/sql/sql.ts'

/**
 * A database of one's own: PostgreSQL, MySQL, MariaDB, SQL Server, Oracle or MongoDB. What may be asked of it stands on the connection; a call names
 * a statement and brings values.
 */
const Input = Type.Object(
  {
    statement: Type.String({ minLength: 1, maxLength: 63, description: 'Its name on the connection' }),
    params: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'Its values by name' })),
  },
  { additionalProperties: false },
)

const Result = Type.Object({
  rows: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  row_count: Type.Integer({ description: 'Rows that were given, or that were changed' }),
  truncated: Type.Boolean({ description: 'There are more rows than the statement may give' }),
})

const toResult = ({ rows, row_count, truncated }: Static<typeof Result>) => ({ rows, row_count, truncated })

export const sql = defineProvider({
  id: 'sql',
  name: 'Database',
  category: 'storage',
  docs: 'https://www.postgresql.org/docs/current/sql.html',
  transport: speaksSql,
  fields: [
    {
      key: 'base_url',
      label: 'Database',
      hint: 'postgresql, mysql, sqlserver, oracle or mongodb, the host and the name of the database, without a user',
      required: true,
      pattern: '(postgresql|mysql|sqlserver|oracle|mongodb)://[^\\s/@?#]+/[^\\s/@?#]+',
      example: 'postgresql://db.example.com:5432/erp',
    },
    {
      key: 'tls',
      label: 'Encryption',
      hint: 'encrypt trusts any certificate',
      enum: ['verify', 'encrypt', 'off'],
      default: 'verify',
    },
    {
      key: 'statements',
      label: 'Statements',
      hint: 'everything that may be asked of the database, by name',
      type: 'json',
      schema: Statements,
      required: true,
    },
    {
      key: 'auth_database',
      label: 'Database of the user',
      hint: 'where MongoDB keeps the user; admin where empty',
      pattern: '[^\\s/\\\\."$]{1,63}',
      example: 'admin',
    },
    { key: 'username', label: 'User', secret: true, required: true },
    { key: 'password', label: 'Password', secret: true, required: true },
    {
      key: 'authority',
      label: 'Certificate of the authority',
      hint: 'in PEM, where it is none of the public ones',
      secret: true,
      multiline: true,
      when: { tls: 'verify' },
    },
  ],
  faults: statementFaults,
  auth: noAuth,
  limits: { requests_per_minute: 6000, timeout_ms: 30_000 },
  test: get('/ping'),
  operations: {
    'statements.read': operation({
      input: Input,
      request: ({ statement, params }) =>
        get(path`/statements/${statement}`, params && { params: JSON.stringify(params) }),
      reads: Result,
      translate: toResult,
    }),
    'statements.write': operation({
      input: Input,
      request: ({ statement, params = {} }) => post(path`/statements/${statement}`, params),
      reads: Result,
      translate: toResult,
    }),
  },
})
