import Type, { type Static } from 'typebox'

/** The steps as they come over the wire. */
const Path = Type.String({ maxLength: 300, examples: ['customer.name'] })
const Values = Type.Record(Type.String({ minLength: 1, maxLength: 300 }), Type.Unknown(), {
  maxProperties: 500,
})
const exact = { additionalProperties: false } as const
const one = <T extends string>(...words: T[]) =>
  Type.Unsafe<T>(Type.Union(words.map((word) => Type.Literal(word))))

const MapStep = Type.Object(
  {
    kind: Type.Literal('map'),
    fields: Type.Optional(
      Type.Record(Type.String({ maxLength: 300 }), Path, {
        maxProperties: 500,
        description:
          "The vendor's path, then ours: read from left to right on the way out, back on the way in",
        examples: [{ 'merge_fields.FNAME': 'first_name' }],
      }),
    ),
    defaults: Type.Optional(Values),
    constants: Type.Optional(Values),
    others: Type.Optional(one('keep', 'drop')),
  },
  exact,
)

const Spelling = one('plain', 'pt-BR', 'en-US')
const Kind = one('text', 'number')
const Format = Type.Union([
  Type.Object(
    {
      as: Type.Literal('date'),
      from: Type.Optional(Type.String({ maxLength: 64, examples: ['dd/MM/yyyy'] })),
      to: Type.Optional(Type.String({ maxLength: 64 })),
      zone: Type.Optional(Type.String({ maxLength: 64 })),
    },
    exact,
  ),
  Type.Object(
    {
      as: Type.Literal('number'),
      from: Type.Optional(Spelling),
      to: Type.Optional(Spelling),
      decimals: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })),
      type: Type.Optional(Kind),
    },
    exact,
  ),
  Type.Object(
    {
      as: Type.Literal('money'),
      from: one('minor', 'decimal'),
      to: one('minor', 'decimal'),
      currency: Type.String({ minLength: 3, maxLength: 3 }),
      type: Type.Optional(Kind),
    },
    exact,
  ),
  Type.Object({ as: one('upper', 'lower', 'trim', 'digits', 'text', 'boolean') }, exact),
])

const FormatStep = Type.Object(
  {
    kind: Type.Literal('format'),
    fields: Type.Record(Type.String({ minLength: 1, maxLength: 300 }), Format, { maxProperties: 500 }),
  },
  exact,
)

const ExpressionStep = Type.Object(
  {
    kind: Type.Literal('expression'),
    expression: Type.String({ minLength: 1, maxLength: 10_000, description: 'JSONata' }),
    at: Type.Optional(
      Type.String({ maxLength: 300, description: 'Where the result is put; it is all where absent' }),
    ),
  },
  exact,
)

const ValidateStep = Type.Object(
  {
    kind: Type.Literal('validate'),
    schema: Type.Object({}, { description: 'JSON Schema, draft 2020-12' }),
    at: Type.Optional(Path),
  },
  exact,
)

const FilterStep = Type.Object(
  {
    kind: Type.Literal('filter'),
    where: Type.Object(
      {},
      { description: 'As the filter of a subscription; elements that do not fit are left out' },
    ),
    at: Type.Optional(Type.String({ maxLength: 300, description: 'The list; it is all where absent' })),
  },
  exact,
)

const TemplateStep = Type.Object(
  {
    kind: Type.Literal('template'),
    template: Type.Unknown({ description: 'JSON in whose texts {{path}} stands for a value' }),
  },
  exact,
)

const Written = one('value', 'json', 'xml', 'csv', 'form')
const Names = Type.Array(Type.String({ minLength: 1, maxLength: 300 }), { maxItems: 200 })
const ConvertStep = Type.Object(
  {
    kind: Type.Literal('convert'),
    from: Type.Optional(Written),
    to: Type.Optional(Written),
    at: Type.Optional(Path),
    xml: Type.Optional(
      Type.Object(
        { root: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })), lists: Type.Optional(Names) },
        exact,
      ),
    ),
    csv: Type.Optional(
      Type.Object(
        {
          delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
          columns: Type.Optional(Names),
          header: Type.Optional(Type.Boolean()),
          escape_formulas: Type.Optional(
            Type.Boolean({
              description: 'A cell that a spreadsheet would take for a formula gets an apostrophe',
            }),
          ),
        },
        exact,
      ),
    ),
  },
  exact,
)

const EnrichStep = Type.Object(
  {
    kind: Type.Literal('enrich'),
    connection_id: Type.String({ description: 'The connection that is asked' }),
    call: Type.Object({}, { description: 'As the body of a call; its texts are templates over the value' }),
    at: Type.String({ minLength: 1, maxLength: 300, description: 'Where the answer is put' }),
    on_failure: Type.Optional(one('fail', 'skip')),
  },
  exact,
)

export const Step = Type.Union([
  MapStep,
  FormatStep,
  ExpressionStep,
  ValidateStep,
  FilterStep,
  TemplateStep,
  ConvertStep,
  EnrichStep,
])
export type Step = Static<typeof Step>

export const Steps = Type.Array(Step, {
  maxItems: 30,
  description: 'Done one after another, each with what the one before gave',
})

/** Fields of its own for each direction: what goes to the vendor, and what comes from it. */
export const Mapping = Type.Object(
  { in: Type.Optional(Steps), out: Type.Optional(Steps) },
  { ...exact, description: 'in: before the request is made; out: of the answer' },
)
export type Mapping = Static<typeof Mapping>

export const MappingName = Type.String({
  pattern: '^[a-z][a-z0-9_.-]*$',
  minLength: 1,
  maxLength: 100,
  description: 'Small letters, digits, `_`, `-` and dots',
  examples: ['member'],
})

export const MappingRef = Type.Union([Mapping, MappingName], {
  description: 'A mapping, or the name of one',
})
export type MappingRef = Static<typeof MappingRef>
