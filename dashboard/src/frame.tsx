import {
  ActionIcon,
  AppShell,
  Box,
  Burger,
  Group,
  Menu,
  NavLink,
  ScrollArea,
  SegmentedControl,
  Select,
  Stack,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconApi, IconLanguage, IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react'
import { useEffect } from 'react'
import { Link, Outlet, useLocation } from 'react-router'
import { useLive } from './api/live.ts'
import { SignedIn, useEnvironment, useLanguage, useSession, useSignOut, useTenant } from './api/session.tsx'
import { Finder } from './pages/finder.tsx'
import { SignIn } from './pages/sign_in.tsx'
import { Welcome } from './pages/welcome.tsx'
import { Waiting } from './parts/page.tsx'
import { PLACES } from './places.tsx'
import './frame.css'
import rail from './rail.svg'
import { spoken, texts } from './text/text.ts'

const useText = texts('frame', {
  en: {
    menu: 'Menu',
    main: 'Main',
    skip: 'Skip to the page',
    tenant: 'Tenant',
    dark: 'Dark',
    light: 'Light',
    language: 'Português',
    reference: 'API reference',
    profile: 'Your account',
    sign_out: 'Sign out',
    account: 'Account of {{name}}',
    environment: 'Environment',
    test: 'Test',
    live: 'Live',
  },
  'pt-BR': {
    menu: 'Menu',
    main: 'Principal',
    skip: 'Ir para a página',
    tenant: 'Empresa',
    dark: 'Escuro',
    light: 'Claro',
    language: 'English',
    reference: 'Referência da API',
    profile: 'Sua conta',
    sign_out: 'Sair',
    account: 'Conta de {{name}}',
    environment: 'Ambiente',
    test: 'Teste',
    live: 'Produção',
  },
})

/** What stands around every page; whoever is not signed in is asked to. */
export function Frame() {
  const { hash } = useLocation()
  if (hash.startsWith('#/welcome'))
    return <Welcome token={new URLSearchParams(hash.split('?')[1]).get('token') ?? ''} />
  return (
    <SignedIn otherwise={<SignIn />} waiting={<Waiting height="100dvh" />}>
      <Shell />
    </SignedIn>
  )
}

function Shell() {
  const say = useText()
  const [is_open, { toggle, close }] = useDisclosure(false)
  const { pathname } = useLocation()
  useLive(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: going somewhere closes the menu
  useEffect(close, [pathname, close])
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !is_open } }}
      padding="md"
    >
      <AppShell.Header>
        <a href="#page" className="skip">
          {say('skip')}
        </a>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={is_open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={say('menu')} />
            <UnstyledButton component={Link} to="/" aria-label="Trilho">
              <Group gap={8} wrap="nowrap">
                <img src={rail} alt="" width={26} height={26} />
                <Text fw={700} visibleFrom="xs">
                  Trilho
                </Text>
              </Group>
            </UnstyledButton>
            <Group gap="sm" wrap="nowrap" visibleFrom="sm">
              <TenantPicker />
              <Environment />
            </Group>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Finder />
            <Box visibleFrom="xs">
              <ColorScheme />
            </Box>
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={say('main')}>
        <Stack gap="xs" mb="sm" hiddenFrom="sm">
          <TenantPicker />
          <Environment />
        </Stack>
        <Places />
      </AppShell.Navbar>
      <AppShell.Main id="page">
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

function Places() {
  const { pathname } = useLocation()
  const say = PLACES.useText()
  return (
    <ScrollArea>
      {PLACES.list.map(({ name, to, Icon }) => (
        <NavLink
          key={to}
          component={Link}
          to={to}
          label={say(name)}
          leftSection={<Icon size={18} />}
          active={to === '/' ? pathname === '/' : pathname.startsWith(to)}
        />
      ))}
    </ScrollArea>
  )
}

/** Which credentials and connections may be used: those of the sandbox, or the real ones. */
function Environment() {
  const say = useText()
  const { environment } = useSession()
  const choose = useEnvironment()
  return (
    <SegmentedControl
      size="xs"
      aria-label={say('environment')}
      color={environment === 'live' ? 'red' : 'gray'}
      value={environment}
      onChange={(value) => void choose(value as 'live' | 'test')}
      data={[
        { value: 'test', label: say('test') },
        { value: 'live', label: say('live') },
      ]}
    />
  )
}

function TenantPicker() {
  const say = useText()
  const { tenants, tenant } = useSession()
  const choose = useTenant()
  if (tenants.length < 2) return <Text size="sm">{tenant?.name}</Text>
  return (
    <Select
      size="xs"
      w={170}
      searchable
      aria-label={say('tenant')}
      value={tenant?.id ?? null}
      data={tenants.map(({ id, name }) => ({ value: id, label: name }))}
      onChange={(id) => id && void choose(id)}
      allowDeselect={false}
    />
  )
}

function ColorScheme() {
  const say = useText()
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const other = scheme === 'dark' ? 'light' : 'dark'
  return (
    <ActionIcon
      variant="default"
      size="lg"
      onClick={() => setColorScheme(other)}
      aria-label={say(other)}
      title={say(other)}
    >
      {other === 'dark' ? <IconMoon size={18} /> : <IconSun size={18} />}
    </ActionIcon>
  )
}

function Account() {
  const say = useText()
  const { member } = useSession()
  const signOut = useSignOut()
  const speakAlways = useLanguage()
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={say('account', { name: member.name })}>
          <IconUser size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{member.email}</Menu.Label>
        <Menu.Item component={Link} to="/settings/account" leftSection={<IconUser size={16} />}>
          {say('profile')}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLanguage size={16} />}
          onClick={() => void speakAlways(spoken() === 'en' ? 'pt-BR' : 'en')}
        >
          {say('language')}
        </Menu.Item>
        <Menu.Item component="a" href="/docs" target="_blank" leftSection={<IconApi size={16} />}>
          {say('reference')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
          {say('sign_out')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
