import { NumberInput, type NumberInputProps } from '@mantine/core'
import { spoken } from '../text/text.ts'
import { decimalsOf } from './money.ts'

type MoneyInputProps = NumberInputProps & { currency: string }

/** An amount in whole units of a currency, with its decimals, from its smallest part on. */
export const MoneyInput = ({ currency, ...props }: MoneyInputProps) => (
  <NumberInput
    decimalScale={decimalsOf(currency)}
    fixedDecimalScale
    decimalSeparator={spoken() === 'pt-BR' ? ',' : '.'}
    min={10 ** -decimalsOf(currency)}
    hideControls
    {...props}
  />
)
