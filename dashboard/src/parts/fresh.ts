/** A key nobody had before: `crypto.randomUUID` is missing where the page did not come by HTTPS. */
export const freshKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
