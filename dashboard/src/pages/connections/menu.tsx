import { ActionIcon, Menu, Text } from '@mantine/core'
import {
  IconDots,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlugConnected,
  IconTrash,
} from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { useDeleting, usePausing } from './actions.tsx'
import { useNames } from './names.ts'
import type { Connection } from './reads.ts'
import { TestDialog } from './test.tsx'
import { useRights } from './world.ts'

/** What one can do with a connection, from wherever it is listed. */
export function ConnectionMenu({ of }: { of: Connection }) {
  const say = useNames()
  const may = useRights(of)
  const [open, setOpen] = useState<'test' | 'delete' | null>(null)
  const pausing = usePausing(of)
  if (!may.write && !may.call) return null
  const is_active = of.state === 'enabled'
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={say('actions', { name: of.name })}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {may.call && (
            <Menu.Item leftSection={<IconPlugConnected size={16} />} onClick={() => setOpen('test')}>
              {say('test')}
            </Menu.Item>
          )}
          {may.write && (
            <>
              <Menu.Item
                leftSection={<IconPencil size={16} />}
                component={Link}
                to={`/connections/${of.id}?tab=settings`}
              >
                {say('edit')}
              </Menu.Item>
              <Menu.Item
                leftSection={is_active ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
                onClick={() => pausing.mutate()}
              >
                {say(is_active ? 'pause' : 'resume')}
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item
                leftSection={<IconTrash size={16} color="var(--mantine-color-error)" />}
                onClick={() => setOpen('delete')}
              >
                {say('delete')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {open === 'test' && <TestDialog of={of} close={() => setOpen(null)} />}
      {open === 'delete' && <DeleteDialog of={of} close={() => setOpen(null)} />}
    </>
  )
}

/** Asks first: the menu it was chosen from is closed by then, so it stands by itself. */
export function DeleteDialog({
  of,
  close,
  gone = close,
}: {
  of: Pick<Connection, 'id' | 'name'>
  close: () => void
  /** Once it is deleted. */
  gone?: () => void
}) {
  const say = useNames()
  const words = useWords()
  const deleting = useDeleting(of)
  return (
    <Dialog close={close} title={words('sure')}>
      <Text>{say('delete_question', { name: of.name })}</Text>
      <DialogEnd
        close={close}
        mt="lg"
        color="red"
        loading={deleting.isPending}
        act={() => deleting.mutate(undefined, { onSuccess: gone })}
      >
        {words('delete')}
      </DialogEnd>
    </Dialog>
  )
}
