// How statements join a batch with a table. The plans of the worker are made once and kept (see the settings of its connections).

/**
 * `column = value`, where `column` begins the key by which each row of a batch is looked up. As a plain equality PostgreSQL
 * may as well walk the whole key in its order and compare each of its rows with each of the batch. It does where the table
 * seemed empty as the plan was made, which a queue is most of the time: settling 256 deliveries then took 1.1 s while 20,000
 * waited, instead of 10 ms. Among several values it knows no order to walk in. Whoever sorts what was joined sorts by the
 * columns of the batch, since the order of the key would be one more reason to walk it.
 */
export const seek = (column: string, value: string): string => `${column} = any (array[${value}])`

/**
 * Where the planner may not hash a join, it compares each row of a batch with each: settling 80 deliveries took twice as
 * long for it. A membership it may not turn into a join is hashed all the same.
 */
export const within = (row: string, rows: string): string => `(${row} in (${rows})) is true`
