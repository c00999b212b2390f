import pg from 'pg'

/**
 * One connection outside of the pools, not open yet. That it was lost is told by the statement under way, or the next one;
 * the client says it beside that too, and with nobody to hear it that would end the process.
 */
export function singleClient(url: string, name: string, more: pg.ClientConfig = {}): pg.Client {
  const client = new pg.Client({ connectionString: url, application_name: name, ...more })
  client.on('error', () => {})
  return client
}
