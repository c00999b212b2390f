import Type, { type Static } from 'typebox'
import { Mapping, MappingName, Steps } from '../../kit/mapping/mapping.ts'
import { toWire } from '../../platform/ids.ts'
import { Nullable, Timestamp, WireId } from '../wire.ts'
import type { MappingRow, User } from './queries.ts'

const exact = { additionalProperties: false } as const

const Description = Type.Optional(Type.String({ maxLength: 500 }))
const written = { description: Description, in: Type.Optional(Steps), out: Type.Optional(Steps) }
const example = { out: [{ kind: 'map', fields: { 'merge_fields.FNAME': 'first_name' } }] }

export const CreateMapping = Type.Object(
  { name: MappingName, ...written },
  { ...exact, examples: [{ name: 'member', ...example }] },
)
export type CreateMapping = Static<typeof CreateMapping>

export const ReplaceMapping = Type.Object(written, { ...exact, examples: [example] })
export type ReplaceMapping = Static<typeof ReplaceMapping>

export const MappingParams = Type.Object({ name: Type.String() }, exact)

export const NamedMapping = Type.Object({
  name: Type.String(),
  environment: Type.Union([Type.Literal('test'), Type.Literal('live')], {
    description: 'Of the key that wrote it last; a production connection uses what a live key wrote',
  }),
  description: Nullable(Type.String()),
  ...Mapping.properties,
  version: Type.Integer({ description: 'Rises with every change' }),
  created_at: Timestamp,
  updated_at: Timestamp,
})

export const NamedMappings = Type.Object({ data: Type.Array(NamedMapping) })

export const UsedMapping = Type.Object({
  ...NamedMapping.properties,
  used_by: Type.Array(
    Type.Object({ connection_id: WireId('connection'), operation: Nullable(Type.String()) }),
    { description: 'Connections, and operations stored on them, that name it; 100 at most' },
  ),
})

export const toNamed = ({ definition, created_at, updated_at, ...row }: MappingRow) => ({
  ...row,
  ...definition,
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
})

export const toUser = ({ connection_id, operation }: Pick<User, 'connection_id' | 'operation'>) => ({
  connection_id: toWire('connection', connection_id),
  operation: operation || null,
})
