import { SimpleGrid, TextInput } from '@mantine/core'
import { useText } from './manage_text.ts'

export type AddressDraft = {
  line1: string
  line2: string
  city: string
  state: string
  postal_code: string
  country: string
}

export const EMPTY_ADDRESS: AddressDraft = {
  line1: '',
  line2: '',
  city: '',
  state: '',
  postal_code: '',
  country: 'BR',
}

/** What is sent: of what may be left out only what was typed. */
export function toAddress({ line2, state, ...draft }: AddressDraft) {
  return {
    ...{ line1: draft.line1.trim(), city: draft.city.trim(), postal_code: draft.postal_code.trim() },
    country: draft.country.trim().toUpperCase(),
    ...(line2.trim() !== '' && { line2: line2.trim() }),
    ...(state.trim() !== '' && { state: state.trim() }),
  }
}

type InputProps = (path: string) => object

/** An address as vendors of cards take it; `at` is its place in the form. */
export function AddressFields({ props, at }: { props: InputProps; at: string }) {
  const say = useText()
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <TextInput label={say('line1')} required maxLength={200} {...props(`${at}.line1`)} />
      <TextInput label={say('line2')} maxLength={200} {...props(`${at}.line2`)} />
      <TextInput label={say('city')} required maxLength={200} {...props(`${at}.city`)} />
      <TextInput label={say('state')} maxLength={200} {...props(`${at}.state`)} />
      <TextInput label={say('postal_code')} required maxLength={20} {...props(`${at}.postal_code`)} />
      <TextInput
        label={say('country')}
        description={say('country_about')}
        required
        maxLength={2}
        pattern="[A-Za-z]{2}"
        {...props(`${at}.country`)}
      />
    </SimpleGrid>
  )
}
