import Type from 'typebox'
import { Nullable, Page, PageQuery, Timestamp, WireId } from '../wire.ts'
import { CODE_PATTERN } from './recovery.ts'

const closed = { additionalProperties: false } as const

const Email = Type.String({
  pattern: '^[^\\s@]{1,64}@[^\\s@]{1,189}$',
  maxLength: 254,
  description: 'Capital and small letters are the same',
  examples: ['ana@example.com'],
})
const Name = Type.String({ minLength: 1, maxLength: 100, examples: ['Ana Souza'] })
const Language = Type.Union([Type.Literal('pt-BR'), Type.Literal('en')], { description: 'Of the dashboard' })
const Role = Type.Union(
  [Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('developer'), Type.Literal('admin')],
  {
    description:
      'viewer looks; operator replays, releases, pauses and mends as well; developer changes all but keys, members and the tenant; admin changes everything',
  },
)
export type Role = Type.Static<typeof Role>

/** One that is chosen now; one that is given may be whatever was allowed when it was chosen. */
const NewPassword = Type.String({
  minLength: 12,
  maxLength: 200,
  description: 'At least 12 characters, of any kind',
  examples: ['correct horse battery staple'],
})
const GivenPassword = Type.String({ minLength: 1, maxLength: 200 })
const Code = Type.String({
  pattern: CODE_PATTERN,
  maxLength: 19,
  description: 'Of the second factor, where there is one; or a recovery code, each once',
  examples: ['123456'],
})
const TotpCode = Type.String({ pattern: '^[0-9]{6}$', description: 'Of the app', examples: ['123456'] })

export const SignInBody = Type.Object(
  { email: Email, password: GivenPassword, code: Type.Optional(Code) },
  closed,
)
export type SignIn = Type.Static<typeof SignInBody>

export const WelcomeBody = Type.Object(
  {
    token: Type.String({ minLength: 20, maxLength: 100, description: 'From the link' }),
    name: Name,
    email: Email,
    password: NewPassword,
    language: Language,
    code: Type.Optional(Code),
  },
  closed,
)
export type Welcome = Type.Static<typeof WelcomeBody>

export const PersonSchema = Type.Object(
  {
    id: WireId('person'),
    email: Type.String(),
    name: Type.String(),
    language: Language,
    has_totp: Type.Boolean(),
    recovery_codes_left: Type.Integer({ description: 'Of ten that stand in for the second factor' }),
  },
  closed,
)
export type Person = Type.Static<typeof PersonSchema>

const PlaceSchema = Type.Object({ id: WireId('tenant'), name: Type.String(), role: Role }, closed)

export const SessionSchema = Type.Object(
  {
    id: WireId('session'),
    member: PersonSchema,
    tenant: Nullable(PlaceSchema),
    role: Nullable(Role),
    scopes: Type.Array(Type.String(), {
      description: 'What this session may do in this tenant, as of a key',
    }),
    is_administrator: Type.Boolean({ description: 'Of the whole installation' }),
    environment: Type.Union([Type.Literal('live'), Type.Literal('test')], {
      description: 'As the header trilho-environment chose it; live where it is absent',
    }),
    tenants: Type.Array(PlaceSchema, {
      description:
        'Those the header trilho-tenant may choose, oldest first; without it the first. At most 200 to an administrator',
    }),
    language: Language,
    csrf: Type.String({ description: 'For the header trilho-csrf of whatever changes something' }),
    expires_at: Timestamp,
  },
  closed,
)
export type Session = Type.Static<typeof SessionSchema>

export const SessionEntrySchema = Type.Object(
  {
    id: WireId('session'),
    is_this: Type.Boolean({ description: 'The one that asks' }),
    ip: Nullable(Type.String()),
    user_agent: Nullable(Type.String()),
    created_at: Timestamp,
    seen_at: Type.String({ format: 'date-time', description: 'When it last asked, to some minutes' }),
    expires_at: Timestamp,
  },
  closed,
)
export type SessionEntry = Type.Static<typeof SessionEntrySchema>
export const SessionEntryPage = Page(SessionEntrySchema)

const State = Type.Union([Type.Literal('invited'), Type.Literal('active'), Type.Literal('suspended')])

const memberFields = {
  id: WireId('member'),
  person_id: Type.Union([WireId('person'), Type.Null()], {
    description: 'As the audit log names who did something; null until the invitation is taken',
  }),
  email: Type.String(),
  name: Nullable(Type.String()),
  role: Role,
  state: State,
  has_totp: Type.Boolean(),
  signed_in_at: Nullable(Timestamp),
  created_at: Timestamp,
}
export const MemberSchema = Type.Object(memberFields, closed)
export type Member = Type.Static<typeof MemberSchema>
export const MemberPage = Page(MemberSchema)

const PersonState = Type.Union([Type.Literal('active'), Type.Literal('suspended')], {
  description: 'Nobody comes in as who is suspended, in no tenant',
})

export const ListedPersonSchema = Type.Object(
  {
    id: WireId('person'),
    email: Type.String(),
    name: Type.String(),
    language: Language,
    state: PersonState,
    is_administrator: Type.Boolean({ description: 'Of the whole installation' }),
    has_totp: Type.Boolean({ description: 'Signs in with a second factor' }),
    recovery_codes_left: Type.Integer(),
    sessions: Type.Integer({ description: 'Browsers that are signed in now' }),
    seen_at: Type.Union([Timestamp, Type.Null()], { description: 'When they last asked, to some minutes' }),
    created_at: Timestamp,
    memberships: Type.Array(
      Type.Object(
        {
          id: WireId('member'),
          tenant: Type.Object({ id: WireId('tenant'), name: Type.String() }, closed),
          role: Role,
          state: PersonState,
        },
        closed,
      ),
      { description: "Of every tenant, the oldest first; the installation's own before them" },
    ),
  },
  closed,
)
export type ListedPerson = Type.Static<typeof ListedPersonSchema>
export const ListedPersonPage = Page(ListedPersonSchema)

export const PeopleQuery = Type.Object({ ...PageQuery.properties, email: Type.Optional(Email) }, closed)

export const NewMemberBody = Type.Object({ email: Email, role: Role }, closed)
export type NewMember = Type.Static<typeof NewMemberBody>

export const NewMemberSchema = Type.Object(
  {
    ...memberFields,
    link: Type.String({ description: 'To hand on: works once and for a day. It is shown this once.' }),
  },
  closed,
)
export type NewMemberShown = Type.Static<typeof NewMemberSchema>

export const MemberChangeBody = Type.Object(
  {
    role: Type.Optional(Role),
    state: Type.Optional(
      Type.Union([Type.Literal('active'), Type.Literal('suspended')], {
        description: 'Who is suspended keeps the place and may do nothing',
      }),
    ),
  },
  { ...closed, minProperties: 1 },
)
export type MemberChange = Type.Static<typeof MemberChangeBody>

export const ProfileChangeBody = Type.Object(
  {
    name: Type.Optional(Name),
    language: Type.Optional(Language),
    password: Type.Optional(NewPassword),
    old_password: Type.Optional(GivenPassword),
  },
  { ...closed, minProperties: 1 },
)
export type ProfileChange = Type.Static<typeof ProfileChangeBody>

export const TotpBody = Type.Object(
  {
    action: Type.Union([
      Type.Literal('begin'),
      Type.Literal('confirm'),
      Type.Literal('renew_codes'),
      Type.Literal('remove'),
    ]),
    code: Type.Optional(TotpCode),
    password: Type.Optional(GivenPassword),
  },
  closed,
)
export type TotpAct = Type.Static<typeof TotpBody>

export const TotpSchema = Type.Object(
  {
    has_totp: Type.Boolean(),
    secret: Type.Union([Type.String(), Type.Null()], { description: 'After begin: to type into the app' }),
    otpauth_uri: Type.Union([Type.String(), Type.Null()], { description: 'After begin: for a QR code' }),
    recovery_codes: Type.Union([Type.Array(Type.String()), Type.Null()], {
      description:
        'After confirm and renew_codes: each signs in once in place of a code. They are shown this once',
    }),
  },
  closed,
)
export type Totp = Type.Static<typeof TotpSchema>

export const SignInWaysSchema = Type.Object(
  {
    password: Type.Boolean(),
    providers: Type.Array(
      Type.Object(
        {
          id: WireId('sign_in_provider'),
          name: Type.String(),
          start: Type.String({ description: 'Where to send the browser' }),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type SignInWays = Type.Static<typeof SignInWaysSchema>

const Domain = Type.String({
  pattern: '^[A-Za-z0-9.-]{1,189}$',
  description: 'Of e-mails, such as example.com',
  examples: ['example.com'],
})
const providerFields = {
  name: Name,
  issuer: Type.String({
    maxLength: 500,
    description: 'As the provider gives it; below it stands /.well-known/openid-configuration',
    examples: ['https://login.example.com'],
  }),
  client_id: Type.String({ minLength: 1, maxLength: 500, examples: ['trilho'] }),
  domains: Type.Array(Domain, { minItems: 1, maxItems: 50, description: 'Whose e-mails it may speak for' }),
  tenant_id: WireId('tenant'),
  role: Role,
}
export const NewSignInProviderBody = Type.Object(
  {
    ...providerFields,
    client_secret: Type.String({ minLength: 1, maxLength: 1000, examples: ['a secret of the client'] }),
  },
  closed,
)
export type NewSignInProvider = Type.Static<typeof NewSignInProviderBody>

export const SignInProviderSchema = Type.Object(
  {
    id: WireId('sign_in_provider'),
    ...providerFields,
    redirect_uri: Type.String({ description: 'To be registered at the provider' }),
    created_at: Timestamp,
  },
  closed,
)
export type SignInProvider = Type.Static<typeof SignInProviderSchema>
export const SignInProviderPage = Page(SignInProviderSchema)
