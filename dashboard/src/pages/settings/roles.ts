import { texts } from '../../text/text.ts'

export const ROLES = ['viewer', 'operator', 'developer', 'admin'] as const
export type Role = (typeof ROLES)[number]

const useText = texts('roles', {
  en: {
    viewer: 'Viewer',
    viewer_about: 'Looks at everything, changes nothing.',
    operator: 'Operator',
    operator_about: 'Also replays, releases, pauses and mends.',
    developer: 'Developer',
    developer_about: 'Also makes and changes connections, sources and subscriptions.',
    admin: 'Administrator',
    admin_about: 'Everything, with keys, members and the company itself.',
  },
  'pt-BR': {
    viewer: 'Leitor',
    viewer_about: 'Vê tudo, não muda nada.',
    operator: 'Operador',
    operator_about: 'Também repete, libera, pausa e conserta.',
    developer: 'Desenvolvedor',
    developer_about: 'Também cria e altera conexões, fontes e assinaturas.',
    admin: 'Administrador',
    admin_about: 'Tudo, com chaves, membros e a própria empresa.',
  },
})

export function useRoles(): (role: Role) => string {
  const say = useText()
  return (role) => say(role)
}

export function useRolesAbout(): (role: Role) => string {
  const say = useText()
  return (role) => say(`${role}_about`)
}
