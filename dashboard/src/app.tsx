import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { setNonce } from 'get-nonce'
import { RouterProvider } from 'react-router'
import { Refusal } from './api/client.ts'
import { expectSession } from './api/session.tsx'
import { router } from './routes.tsx'
import { readable, theme } from './theme.ts'

/** A no is final; what did not arrive is asked for again. */
const shouldRetry = (count: number, error: Error): boolean =>
  count < 2 && !(error instanceof Refusal && error.status < 500)

const queries = new QueryClient({
  defaultOptions: { queries: { retry: shouldRetry, staleTime: 5_000, refetchOnWindowFocus: true } },
})

// Who comes by a link that works once is nobody yet.
if (!window.location.hash.startsWith('#/welcome')) void expectSession(queries)

/** By which the server knows the styles that our own libraries add to the page. */
const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? ''
setNonce(nonce)

export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      cssVariablesResolver={readable}
      getStyleNonce={() => nonce}
    >
      <Notifications position="top-right" />
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  )
}
