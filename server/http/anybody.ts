import { type Actor, INSTALLATION } from '../modules/app.ts'

/** Who has not said who it is. */
export const ANYBODY: Actor = {
  kind: 'system',
  id: 'anybody',
  tenant_id: INSTALLATION,
  environment: 'test',
  scopes: [],
  ip: null,
  request_id: null,
}
