import { Button, Group } from '@mantine/core'
import { useWords } from './words.ts'

/** What was done, and the way back. */
export function Undoable({ text, back }: { text: string; back: () => void }) {
  const say = useWords()
  return (
    <Group justify="space-between" wrap="nowrap" gap="sm">
      <span>{text}</span>
      <Button size="compact-xs" variant="default" miw="max-content" onClick={back}>
        {say('undo')}
      </Button>
    </Group>
  )
}
