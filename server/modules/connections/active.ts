import type { App } from '../app.ts'
import { countEnabled } from './queries.ts'

/** How many connections are enabled, of all tenants, asked at each scrape. */
export const watchConnections = ({ telemetry, db }: App): void =>
  telemetry.gauge('api_connections_active', () => countEnabled(db.owner))
