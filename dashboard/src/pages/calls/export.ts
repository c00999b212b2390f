import { Refusal, spokenHeaders } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useText } from './text.ts'

type Format = 'csv' | 'jsonl'

/** Takes what the list shows away as a file. A plain link could not say which tenant is looked at. */
export function useExport(asked: Record<string, unknown>) {
  const say = useText()
  const act = useAct({
    act: async (format: Format) => {
      const query = new URLSearchParams({ ...(asked as Record<string, string>), format })
      const response = await fetch(`/v1/calls/export?${query}`, {
        headers: spokenHeaders(),
        credentials: 'same-origin',
      })
      if (!response.ok) throw new Refusal(response.status, await response.json().catch(() => null))
      give(await response.blob(), `calls.${format}`)
    },
    done: say('exported'),
  })
  return { save: (format: Format) => act.mutate(format), is_saving: act.isPending }
}

function give(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
