import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'
import { readable as readableDashboard, theme } from '../theme.ts'

/** The tenant's colour in ten shades, of which the seventh is its own; and the look of the dashboard for the rest. */
export const themeOf = (color: string | undefined) =>
  color === undefined
    ? theme
    : createTheme({ ...theme, colors: { brand: shadesOf(color) }, primaryColor: 'brand', primaryShade: 6 })

function shadesOf(color: string): MantineColorsTuple {
  const mix = (other: string, share: number) => mixed(color, other, share)
  return [
    ...[0.95, 0.85, 0.7, 0.5, 0.3, 0.15].map((share) => mix('#ffffff', share)),
    color,
    ...[0.12, 0.25, 0.4].map((share) => mix('#000000', share)),
  ] as unknown as MantineColorsTuple
}

const partsOf = (color: string): number[] =>
  [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))

const mixed = (color: string, other: string, share: number): string => {
  const [of, with_] = [partsOf(color), partsOf(other)]
  return `#${of
    .map((part, at) => Math.round(part * (1 - share) + (with_[at] ?? 0) * share))
    .map((part) => part.toString(16).padStart(2, '0'))
    .join('')}`
}

/** Nothing is written in the tenant's colour, which may be any: links stay in one that everybody can read. */
export const readable: CSSVariablesResolver = (themed) => {
  const said = readableDashboard(themed)
  const hover = { '--mantine-primary-color-filled-hover': 'var(--mantine-primary-color-filled)' }
  return { ...said, light: { ...said.light, ...hover }, dark: { ...said.dark, ...hover } }
}
