import { Button, type ButtonProps, Group, Modal, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { useWords } from './words.ts'

type ConfirmProps = ButtonProps & {
  question: ReactNode
  verb: string
  act: () => Promise<unknown> | unknown
  children: ReactNode
}

/** A button that asks before it does what cannot be taken back. */
export function Confirm({ question, verb, act, children, ...button }: ConfirmProps) {
  const say = useWords()
  const [is_open, { open, close }] = useDisclosure(false)
  const doIt = async () => {
    await act()
    close()
  }
  return (
    <>
      <Button {...button} onClick={open}>
        {children}
      </Button>
      <Modal
        opened={is_open}
        onClose={close}
        title={say('sure')}
        closeButtonProps={{ 'aria-label': say('close') }}
      >
        <Text>{question}</Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close}>
            {say('cancel')}
          </Button>
          <Button color="red" onClick={() => void doIt()} loading={button.loading === true}>
            {verb}
          </Button>
        </Group>
      </Modal>
    </>
  )
}
