import { NumberInput, Select, SimpleGrid, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useText as useOptionText } from './option_text.ts'
import type { SourceForm } from './source_form.tsx'

/** What the sender is answered once a message is stored. */
export function Answer({ form }: { form: SourceForm }) {
  const word = useOptionText()
  const at = (name: string) => form.getInputProps(`options.response.${name}`)
  return (
    <>
      <Switch
        label={word('has_response')}
        description={word('has_response_about')}
        {...form.getInputProps('options.has_response', { type: 'checkbox' })}
      />
      {form.values.options.has_response && (
        <>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <NumberInput label={word('status')} min={200} max={299} allowDecimal={false} {...at('status')} />
            <TextInput label={word('content_type')} maxLength={100} {...at('content_type')} />
          </SimpleGrid>
          <Textarea
            label={word('headers')}
            description={word('headers_about')}
            autosize
            minRows={2}
            spellCheck={false}
            {...at('headers')}
          />
          <Textarea
            label={word('body')}
            description={word('body_about')}
            autosize
            minRows={2}
            maxLength={10_000}
            spellCheck={false}
            {...at('body')}
          />
        </>
      )}
    </>
  )
}

/** What a sender is answered that waits for a decision. */
export function Decisions({ form }: { form: SourceForm }) {
  const word = useOptionText()
  const at = (name: string) => form.getInputProps(`options.decisions.${name}`)
  const verdicts = (['decline', 'approve'] as const).map((value) => ({ value, label: word(value) }))
  return (
    <>
      <Text size="xs" c="dimmed">
        {word('decisions_about')}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 3 }} style={{ alignItems: 'end' }}>
        <Select label={word('undecided')} allowDeselect={false} data={verdicts} {...at('undecided')} />
        <Select label={word('unknown_card')} allowDeselect={false} data={verdicts} {...at('unknown_card')} />
        <NumberInput
          label={word('within')}
          suffix=" ms"
          min={50}
          max={10_000}
          allowDecimal={false}
          {...at('within_ms')}
        />
      </SimpleGrid>
    </>
  )
}
