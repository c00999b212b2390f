import { Button, type ButtonProps, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'
import { type Doing, useAct } from '../api/hooks.ts'
import { Dialog, DialogEnd } from './dialog.tsx'
import { useWords } from './words.ts'

type ConfirmProps = ButtonProps & {
  question: ReactNode
  verb: string
  /** Says itself what went wrong, as `useAct` does. */
  act: () => Promise<unknown>
  /** Where the button says more than the verb. */
  children?: ReactNode
}

/** A button that asks before it does what cannot be taken back. */
export function Confirm({ question, verb, act, children = verb, ...button }: ConfirmProps) {
  const say = useWords()
  const [is_open, { open, close }] = useDisclosure(false)
  const [is_busy, setBusy] = useState(false)
  const doIt = async () => {
    setBusy(true)
    await act().catch(() => {})
    setBusy(false)
    close()
  }
  return (
    <>
      <Button {...button} onClick={open}>
        {children}
      </Button>
      <Dialog opened={is_open} close={close} title={say('sure')}>
        <Text>{question}</Text>
        <DialogEnd close={close} mt="lg" color="red" act={() => void doIt()} loading={is_busy}>
          {verb}
        </DialogEnd>
      </Dialog>
    </>
  )
}

type ActProps = Omit<ConfirmProps, 'act'> & Doing<void, unknown>

/** As `Confirm`, for one act of the API: it says that it was done, and what it changed is read anew. */
export function ConfirmAct({ act, done, changes, then, ...confirm }: ActProps) {
  const acting = useAct({ act, done, changes, then })
  return <Confirm {...confirm} act={() => acting.mutateAsync()} />
}
