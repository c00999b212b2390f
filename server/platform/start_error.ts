/** The server cannot start, and the message says in one line why and what to do. Printed without a stack. */
export class StartError extends Error {}
