import { api, ask } from '../../api/client.ts'
import { useMay } from '../../api/session.tsx'
import { Resolve } from '../../parts/resolve.tsx'
import { useText } from './manage_text.ts'
import type { CardStory } from './reads.ts'

/** What somebody saw at the vendor of a card that it was asked for, and did not answer. */
export function ResolveCard({ of }: { of: CardStory }) {
  const say = useText()
  const may = useMay()
  if (of.status !== 'processing' || !may('cards:write')) return null
  return (
    <Resolve
      made="issued"
      say={say}
      needs_id
      id_about={say('id_about')}
      act={(body) => ask(api.POST('/v1/cards/{id}/resolve', { params: { path: { id: of.id } }, body }))}
      changes={['cards', 'events', 'calls']}
    />
  )
}
