import {
  Alert,
  Center,
  Container,
  Group,
  Image,
  localStorageColorSchemeManager,
  MantineProvider,
  Stack,
  Text,
  Title,
} from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { setNonce } from 'get-nonce'
import { lazy, Suspense, useEffect, useState } from 'react'
import { ask, Refusal } from '../api/client.ts'
import { useRead } from '../api/hooks.ts'
import { Shown, Waiting, Wrong } from '../parts/page.tsx'
import { speakHere } from '../text/text.ts'
import { api, type Portal } from './api.ts'
import { List } from './list.tsx'
import { usePlace } from './place.ts'
import { SubscriptionShown } from './subscription.tsx'
import { useText } from './text.ts'
import { readable, themeOf } from './theme.ts'

/** What is not seen at first is loaded when it is. */
const Making = lazy(async () => ({ default: (await import('./form.tsx')).Making }))
const Editing = lazy(async () => ({ default: (await import('./form.tsx')).Editing }))
const DeliveryShown = lazy(async () => ({ default: (await import('./delivery.tsx')).DeliveryShown }))

const isOver = (error: Error): boolean => error instanceof Refusal && error.status === 401

/** Once the link is over, all of the page says so and nothing asks any more. */
const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, { queryKey }) => {
      if (isOver(error) && queryKey[0] !== 'portal') void queries.invalidateQueries({ queryKey: ['portal'] })
    },
  }),
  defaultOptions: {
    queries: {
      retry: (count, error) => count < 2 && !(error instanceof Refusal && error.status < 500),
      staleTime: 5_000,
    },
  },
})

const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? ''
setNonce(nonce)
/** Of its own: who uses the dashboard too may like that another way. */
const schemes = localStorageColorSchemeManager({ key: 'trilho.portal.scheme' })

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Looks />
    </QueryClientProvider>
  )
}

/** What the tenant said of the page comes first: its look and its language. */
function Looks() {
  const read = useRead(['portal'], () => ask(api.GET('/v1/portal')), { every_ms: 60_000 })
  const { theme, locale } = read.data ?? {}
  useEffect(() => {
    if (locale !== undefined) speakHere(locale)
  }, [locale])
  const scheme = theme?.scheme ?? 'auto'
  return (
    <MantineProvider
      theme={themeOf(theme?.color)}
      defaultColorScheme="auto"
      {...(scheme !== 'auto' && { forceColorScheme: scheme })}
      colorSchemeManager={schemes}
      cssVariablesResolver={readable}
      getStyleNonce={() => nonce}
    >
      <Notifications position="top-right" />
      {read.error && isOver(read.error) ? <Over /> : <Page read={read} />}
    </MantineProvider>
  )
}

type Read = { data: Portal | undefined; error: Error | null; isPending: boolean }

function Page({ read }: { read: Read }) {
  if (read.error && !read.data) return <Wrong error={read.error} />
  return <Shown read={read}>{(portal) => <Frame of={portal} />}</Shown>
}

function Frame({ of: portal }: { of: Portal }) {
  const say = useText()
  const { brand_name, logo_url } = portal.theme
  const [broken, setBroken] = useState<string | null>(null)
  const logo = logo_url === broken ? null : logo_url // one that does not load leaves no gap
  const title = brand_name ? `${say('title')} · ${brand_name}` : say('title')
  useEffect(() => {
    document.title = title
  }, [title])
  return (
    <Container size="md" py="lg" px="md">
      {(brand_name || logo) && (
        <Group component="header" gap="sm" mb="lg" wrap="nowrap">
          {logo && (
            <Image
              src={logo}
              alt=""
              h={28}
              w="auto"
              maw={160}
              fit="contain"
              onError={() => setBroken(logo)}
            />
          )}
          {brand_name && <Text fw={700}>{brand_name}</Text>}
        </Group>
      )}
      <main>
        <Stack gap="md">
          {!portal.can_edit && <Alert color="gray">{say('looking')}</Alert>}
          <Suspense fallback={<Waiting />}>
            <Placed may_edit={portal.can_edit} event_types={portal.event_types} />
          </Suspense>
        </Stack>
      </main>
    </Container>
  )
}

function Placed({ may_edit, event_types }: { may_edit: boolean; event_types: string[] | null }) {
  const place = usePlace()
  switch (place.at) {
    case 'new':
      return <Making allowed={event_types} />
    case 'edit':
      return <Editing id={place.id} allowed={event_types} />
    case 'subscription':
      return <SubscriptionShown key={place.id} id={place.id} may_edit={may_edit} />
    case 'delivery':
      return <DeliveryShown key={place.delivery_id} {...place} may_edit={may_edit} />
    default:
      return <List may_edit={may_edit} />
  }
}

function Over() {
  const say = useText()
  return (
    <Center mih="60dvh" p="md">
      <Stack align="center" gap="xs" maw={420} ta="center" component="main">
        <Title order={1} size="h3">
          {say('ended_title')}
        </Title>
        <Text c="dimmed">{say('ended_about')}</Text>
      </Stack>
    </Center>
  )
}
