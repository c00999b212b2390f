/** A transport with a real server, as the suite that all of them pass wants it. */
export type Subject = {
  name: string
  /** Why it cannot be tried on this machine. */
  skip: string | false
  start(): Promise<Started>
}

export type Started = {
  /** Of the server; null where there is none. */
  port: number | null
  /** What a connection is made of that reaches the server by this port. */
  place(port: number): { provider: string; settings: object; credentials?: object }
  /** A call that changes nothing, answered with a 200. */
  safe: object
  /** A call that the other side refuses, by a fault of the caller. */
  wrong: object
  /** A call that does something there, once for each `n`, which what it did is found by. */
  unsafe(n: number): object | Promise<object>
  /** How often that was done. */
  done(n: number): Promise<number>
}
