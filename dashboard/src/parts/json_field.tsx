import { JsonInput, type JsonInputProps } from '@mantine/core'
import { useWords } from './words.ts'

/** A field for JSON. What is none is said in words once somebody leaves it: a red frame alone tells nobody what is wrong. */
export function JsonField(props: JsonInputProps) {
  const say = useWords()
  return <JsonInput {...props} validationError={say('no_json')} />
}
