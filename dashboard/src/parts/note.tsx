import { Textarea, type TextareaProps } from '@mantine/core'

/** Why somebody decides what they decide. It is kept, so it says something. */
export const NoteField = (props: TextareaProps) => (
  <Textarea withAsterisk autosize minRows={2} maxLength={500} {...props} />
)

export const isNote = (typed: string): boolean => typed.trim().length >= 3
