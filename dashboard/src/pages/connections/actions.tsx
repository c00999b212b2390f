import { useQueryClient } from '@tanstack/react-query'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useNames } from './names.ts'
import type { Connection } from './reads.ts'

type Named = Pick<Connection, 'id' | 'name'>

/** Pauses what is active, and the other way round. */
export function usePausing({ id, name, state }: Named & Pick<Connection, 'state'>) {
  const say = useNames()
  const set = (wanted: Connection['state']) =>
    ask(api.PATCH('/v1/connections/{id}', { params: { path: { id } }, body: { state: wanted } }))
  return useAct({
    act: () => set(state === 'enabled' ? 'disabled' : 'enabled'),
    undo: () => set(state),
    done: say(state === 'enabled' ? 'paused' : 'resumed', { name }),
    changes: ['connections', 'overview'],
  })
}

export function useDeleting({ id, name }: Named) {
  const say = useNames()
  const client = useQueryClient()
  return useAct({
    act: async () => {
      await ask(api.DELETE('/v1/connections/{id}', { params: { path: { id } } }))
      // Only the list: what the page of the connection shows is there no more to be read.
      void client.invalidateQueries({ queryKey: ['connections', 'list'] })
    },
    done: say('deleted', { name }),
    changes: ['overview'],
  })
}
