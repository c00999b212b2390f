/** The value of an Authorization header, RFC 7617. */
export const toBasic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
