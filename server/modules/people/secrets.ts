import { createHash, createHmac, randomBytes } from 'node:crypto'

/** 256 random bits. What is kept of it is its hash. */
export const makeToken = (): string => randomBytes(32).toString('base64url')

export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest()

/** What a page of ours sends beside the cookie it cannot read, and another site's cannot know. */
export const csrfOf = (token: string): string =>
  createHmac('sha256', token).update('trilho-csrf').digest('base64url')
