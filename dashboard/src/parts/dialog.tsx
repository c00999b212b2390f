import { Button, type ButtonProps, Group, type MantineSize, Modal } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useWords } from './words.ts'

type DialogProps = {
  title: ReactNode
  close: () => void
  opened?: boolean
  size?: MantineSize
  children: ReactNode
}

/** What is asked or shown before the page goes on. */
export function Dialog({ title, close, opened = true, size = 'md', children }: DialogProps) {
  const word = useWords()
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={title}
      size={size}
      closeButtonProps={{ 'aria-label': word('close') }}
    >
      {children}
    </Modal>
  )
}

type OpensProps = Omit<ButtonProps, 'children'> & {
  label: string
  children: (close: () => void) => ReactNode
}

/** A button and the dialog behind it, which begins anew each time it is opened. */
export function Opens({ label, children, ...button }: OpensProps) {
  const [is_open, setOpen] = useState(false)
  return (
    <>
      <Button {...button} onClick={() => setOpen(true)}>
        {label}
      </Button>
      {is_open && children(() => setOpen(false))}
    </>
  )
}

type EndProps = ButtonProps & { close: () => void; act?: () => void; children: ReactNode }

/** The way out of a dialog, and the way on: `act`, or the form that it ends. */
export function DialogEnd({ close, act, mt, children, ...button }: EndProps) {
  const word = useWords()
  return (
    <Group justify="flex-end" mt={mt}>
      <Button variant="default" onClick={close}>
        {word('cancel')}
      </Button>
      <Button type={act ? 'button' : 'submit'} onClick={act} {...button}>
        {children}
      </Button>
    </Group>
  )
}
