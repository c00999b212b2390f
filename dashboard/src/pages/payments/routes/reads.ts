import { api, ask } from '../../../api/client.ts'
import { useRead } from '../../../api/hooks.ts'

export const useRoutes = () => useRead(['payments', 'routes'], () => ask(api.GET('/v1/payment-routes')))

export const useRoute = (id: string) =>
  useRead(['payments', 'routes', id], () =>
    ask(api.GET('/v1/payment-routes/{id}', { params: { path: { id } } })),
  )
