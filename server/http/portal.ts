import type { App, Http } from '../modules/app.ts'
import { findFrame } from '../modules/portal/portal.ts'
import { readPage, sendPage } from './dashboard.ts'

/**
 * The page for the customer of a tenant, built beside the dashboard. It is served to anybody, and shows nothing without
 * the token behind the `#` of its link. The link says by its id who may show the page in a frame: nobody, unless its
 * tenant named them; and where its logo comes from.
 */
export function portalPage(http: Http, app: App): void {
  const page = readPage('portal.html')
  http.get('/portal/:link', PUBLIC, async (request, reply) => {
    const found = await findFrame(app, (request.params as { link: string }).link)
    if (!found) return sendPage(page, reply)
    const images = found.logo_url === null ? [] : [new URL(found.logo_url).origin]
    return sendPage(page, reply, { images, framed_by: found.frame_origins })
  })
}

const PUBLIC = { config: { access: 'public' as const }, schema: { hide: true } }
