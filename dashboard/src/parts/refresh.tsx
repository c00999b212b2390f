import { Button } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useAct } from '../api/hooks.ts'

type RefreshProps = { label: string; act: () => Promise<unknown>; done: string; changes: string[] }

/** Has the vendor asked how a thing is there, and shows that. */
export function Refresh({ label, ...doing }: RefreshProps) {
  const refresh = useAct(doing)
  return (
    <Button
      variant="default"
      leftSection={<IconRefresh size={16} aria-hidden />}
      loading={refresh.isPending}
      onClick={() => refresh.mutate()}
    >
      {label}
    </Button>
  )
}
