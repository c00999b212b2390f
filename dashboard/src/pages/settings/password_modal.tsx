import { PasswordInput, Stack, Text } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'

type PasswordModalProps = {
  title: string
  about: string
  label: string
  color: string
  is_busy: boolean
  submit: (password: string) => void
  close: () => void
}

/** What only the person may do, not whoever finds their browser open. */
export function PasswordModal({ title, about, label, color, is_busy, submit, close }: PasswordModalProps) {
  const [password, setPassword] = useState('')
  const send = (event: FormEvent) => {
    event.preventDefault()
    submit(password)
  }
  return (
    <Dialog close={close} title={title}>
      <form onSubmit={send}>
        <Stack>
          <Text size="sm">{about}</Text>
          <PasswordInput
            label={label}
            autoComplete="current-password"
            required
            data-autofocus
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <DialogEnd close={close} color={color} loading={is_busy}>
            {title}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
