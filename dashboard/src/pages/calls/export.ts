import { useAct } from '../../api/hooks.ts'
import { download } from '../../parts/download.ts'
import { useText } from './text.ts'

type Format = 'csv' | 'jsonl'

/** Takes what the list shows away as a file. */
export function useExport(asked: Record<string, unknown>) {
  const say = useText()
  const act = useAct({
    act: (format: Format) => {
      const query = new URLSearchParams({ ...(asked as Record<string, string>), format })
      return download(`/v1/calls/export?${query}`, `calls.${format}`)
    },
    done: say('exported'),
  })
  return { save: (format: Format) => act.mutate(format), is_saving: act.isPending }
}
