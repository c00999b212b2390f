import { Text, TextInput, type TextInputProps } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { money, readUnits, toMinor, writeUnits } from './money.ts'
import { useWords } from './words.ts'

type MoneyInputProps = Omit<TextInputProps, 'value' | 'onChange'> & {
  currency: string
  /** In whole units, such as 12.5; empty where there is none, no number (NaN) where what stands there cannot be read. */
  value?: number | string
  onChange?: (units: number | '') => void
  /** The largest amount there can be, in whole units. */
  max?: number
  /** Nothing is an amount, too. */
  or_zero?: boolean
}

/**
 * An amount in whole units of a currency. People write R$ 150,50 in an English page and paste 1,234.56 into a Portuguese
 * one: what can be read in one way alone is taken, and shown as it was read; anything else is not sent.
 */
export function MoneyInput({ currency, value = '', onChange, max, or_zero, ...props }: MoneyInputProps) {
  const say = useWords()
  const field = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState<string | null>(null)
  const [is_typing, setTyping] = useState(false)
  const shown = typed ?? (value === '' ? '' : writeUnits(Number(value), currency))
  const wrong = wrongOf(say, shown, { currency, max, or_zero })
  useEffect(() => field.current?.setCustomValidity(wrong ?? ''), [wrong])
  return (
    <TextInput
      ref={field}
      inputMode="decimal"
      autoComplete="off"
      rightSectionWidth={46}
      rightSection={
        <Text size="xs" c="dimmed">
          {currency}
        </Text>
      }
      {...props}
      value={shown}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value)
        setTyping(true)
        onChange?.(currentTarget.value.trim() ? (readUnits(currentTarget.value, currency) ?? Number.NaN) : '')
      }}
      onBlur={(event) => {
        setTyping(false)
        if (!wrong) setTyped(null)
        props.onBlur?.(event)
      }}
      error={(!is_typing && wrong) || props.error}
    />
  )
}

type Bounds = Pick<MoneyInputProps, 'currency' | 'max' | 'or_zero'>

/** Why what stands there is no amount that can be sent, in words; null where it is, or nothing stands there. */
function wrongOf(say: ReturnType<typeof useWords>, text: string, { currency, max, or_zero }: Bounds) {
  if (text.trim() === '') return null
  const units = readUnits(text, currency)
  if (units === null || (units === 0 && !or_zero))
    return say('amount_unread', { example: writeUnits(1234.5, currency) })
  if (max === undefined || units <= max) return null
  return say('amount_most', { most: money({ amount: toMinor(max, currency), currency }) })
}
