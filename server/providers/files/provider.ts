import Type, { type Static } from 'typebox'
import { noAuth } from '../../kit/auth.ts'
import { defineProvider, get, operation, post } from '../../kit/provider.ts'
import {
  fileFaults,
  ListFiles,
  MoveFile,
  OneFile,
  ReadFile,
  file as speaksFiles,
  WriteFile,
} from '../../kit/transports/file/file.ts'

/** Files in a folder of this machine, on an SFTP server or in an S3 bucket. */
const Entry = Type.Object({
  path: Type.String(),
  kind: Type.String({ description: 'file, folder or other' }),
  size: Type.Union([Type.Integer(), Type.Null()], { description: 'In bytes' }),
  modified_at: Type.Union([Type.String(), Type.Null()]),
})
const toEntry = ({ path, kind, size, modified_at }: Static<typeof Entry>) => ({
  path,
  kind,
  size,
  modified_at,
})

const Listed = Type.Object({ entries: Type.Array(Entry), next: Type.Union([Type.String(), Type.Null()]) })
const Content = Type.Object({
  path: Type.String(),
  size: Type.Integer(),
  encoding: Type.String(),
  content: Type.String(),
  next_offset: Type.Union([Type.Integer(), Type.Null()]),
})

export const files = defineProvider({
  id: 'files',
  name: 'Files',
  category: 'storage',
  docs: 'https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html',
  transport: speaksFiles,
  fields: [
    { key: 'place', label: 'Where they are', enum: ['local', 'sftp', 's3'], required: true },
    {
      key: 'base_url',
      label: 'Root',
      hint: 'a folder of this machine, a folder of an SFTP server, or a bucket, perhaps with a prefix',
      required: true,
      pattern: '(?:file://[^/]{0,253}|sftp://[^\\s/@?#]+|s3://[a-z0-9][a-z0-9.-]{1,62})(?:/[^\\s?#\\\\]*)?',
      example: 'sftp://files.example.com:22/outgoing',
    },
    {
      key: 'host_key',
      label: "Fingerprint of the server's key",
      hint: 'as ssh-keygen -lf prints it; several with spaces between',
      required: true,
      pattern: 'SHA256:[A-Za-z0-9+/]{43}(?: SHA256:[A-Za-z0-9+/]{43})*',
      example: 'SHA256:uNiVztksCsDhcc0u9e8BrDJyYBU0cUzsWm0mZbcPJPQ',
      when: { place: 'sftp' },
    },
    { key: 'username', label: 'User', secret: true, required: true, when: { place: 'sftp' } },
    { key: 'password', label: 'Password', secret: true, when: { place: 'sftp' } },
    {
      key: 'private_key',
      label: 'Private key',
      hint: 'OpenSSH or PEM; beside it or instead of it a password',
      secret: true,
      multiline: true,
      when: { place: 'sftp' },
    },
    { key: 'passphrase', label: 'Passphrase of the key', secret: true, when: { place: 'sftp' } },
    {
      key: 'endpoint',
      label: 'Endpoint',
      type: 'url',
      required: true,
      example: 'https://s3.sa-east-1.amazonaws.com',
      when: { place: 's3' },
    },
    {
      key: 'region',
      label: 'Region',
      pattern: '[a-z0-9-]{1,40}',
      default: 'us-east-1',
      when: { place: 's3' },
    },
    {
      key: 'addressing',
      label: 'Where the bucket stands',
      hint: 'path: after the host; virtual: before it',
      enum: ['path', 'virtual'],
      default: 'path',
      when: { place: 's3' },
    },
    { key: 'access_key_id', label: 'Access key ID', secret: true, required: true, when: { place: 's3' } },
    {
      key: 'secret_access_key',
      label: 'Secret access key',
      secret: true,
      required: true,
      when: { place: 's3' },
    },
    { key: 'session_token', label: 'Session token', secret: true, when: { place: 's3' } },
  ],
  faults: fileFaults,
  auth: noAuth, // of each place its own; the transport has it
  limits: { requests_per_minute: 6000, timeout_ms: 30_000 },
  test: get('/list', { limit: 1 }),
  operations: {
    'files.list': operation({
      input: ListFiles,
      request: (input) => get('/list', input),
      reads: Listed,
      translate: ({ entries, next }) => ({ entries: entries.map(toEntry), next }),
    }),
    'files.stat': operation({
      input: OneFile,
      request: (input) => get('/stat', input),
      reads: Entry,
      translate: toEntry,
    }),
    'files.read': operation({
      input: ReadFile,
      request: (input) => get('/read', input),
      reads: Content,
      translate: ({ path, size, encoding, content, next_offset }) => ({
        path,
        size,
        encoding,
        content,
        next_offset,
      }),
    }),
    'files.write': operation({
      input: WriteFile,
      request: ({ path, replace = false, ...body }) => ({
        method: 'PUT',
        path: '/write',
        query: { path, replace },
        body,
      }),
      reads: Type.Object({ path: Type.String(), size: Type.Integer() }),
      translate: ({ path, size }) => ({ path, size }),
    }),
    'files.move': operation({
      input: MoveFile,
      request: (input) => post('/move', input),
      reads: Type.Object({ path: Type.String() }),
      translate: ({ path }) => ({ path }),
    }),
    'files.delete': operation({
      input: OneFile,
      request: (input) => ({ method: 'DELETE', path: '/delete', query: input }),
      reads: Type.Object({ path: Type.String(), deleted: Type.Boolean() }),
      translate: ({ path, deleted }) => ({ path, deleted }),
    }),
  },
})
