import { Alert, Button, Code, Group, Modal, Stack, Text } from '@mantine/core'
import { IconEyeOff } from '@tabler/icons-react'
import { Copy } from '../../parts/copy.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'

const useText = texts('once', {
  en: {
    once: 'It is shown this once',
    about: 'Copy it now: nobody can show it again, only make another one.',
    done: 'I have kept it',
  },
  'pt-BR': {
    once: 'É mostrado só desta vez',
    about: 'Copie agora: ninguém consegue mostrar de novo, só criar outro.',
    done: 'Já guardei',
  },
})

export type Secret = { name: string; value: string }

/** Secrets that the server shows this once. Closes by its button alone, so that nothing is lost by a stray click. */
export function ShownOnce({
  title,
  secrets,
  close,
}: {
  title: string
  secrets: Secret[]
  close: () => void
}) {
  const say = useText()
  const word = useWords()
  return (
    <Modal opened onClose={close} title={title} withCloseButton={false} closeOnClickOutside={false} size="lg">
      <Stack>
        <Alert color="orange" variant="light" icon={<IconEyeOff size={18} />} title={say('once')}>
          {say('about')}
        </Alert>
        {secrets.map(({ name, value }) => (
          <div key={name}>
            <Text size="sm" fw={600} mb={4}>
              {name}
            </Text>
            <Group gap="xs" wrap="nowrap">
              <Code block flex={1} style={{ wordBreak: 'break-all', whiteSpace: 'pre-wrap' }}>
                {value}
              </Code>
              <Copy text={value} label={`${word('copy')}: ${name}`} />
            </Group>
          </div>
        ))}
        <Group justify="flex-end">
          <Button onClick={close}>{say('done')}</Button>
        </Group>
      </Stack>
    </Modal>
  )
}
