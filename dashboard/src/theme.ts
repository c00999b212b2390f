import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  autoContrast: true,
  respectReducedMotion: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '600' },
})

/** Mantine would lighten what is pointed at, and its words would no longer stand out. */
const HOVERED = {
  '--mantine-color-cyan-filled-hover': 'color-mix(in srgb, var(--mantine-color-cyan-9), black 15%)',
  '--mantine-primary-color-filled-hover': 'var(--mantine-color-cyan-filled-hover)',
}

/** Texts in the colours of states and links, dark or light enough for everybody to read (WCAG AA, 4.5 to 1). */
export const readable: CSSVariablesResolver = ({ colors }) => {
  const all = Object.entries(colors) as [string, MantineColorsTuple][]
  const named = (shade: number) =>
    Object.fromEntries(
      all.map(([name, shades]) => [`--mantine-color-${name}-light-color`, darken(shades, shade)]),
    )
  return {
    variables: {},
    light: {
      ...named(9),
      ...HOVERED,
      '--mantine-color-dimmed': colors.gray[7],
      '--mantine-color-placeholder': colors.gray[7],
      '--mantine-color-anchor': colors.cyan[9],
      '--mantine-color-error': colors.red[9],
    },
    dark: {
      ...named(2),
      ...HOVERED,
      '--mantine-color-dimmed': colors.dark[1],
      '--mantine-color-placeholder': colors.dark[1],
      '--mantine-color-anchor': colors.cyan[3],
      '--mantine-color-error': colors.red[4],
    },
  }
}

/** Yellow and orange stay bright in their last shade. */
const darken = (shades: MantineColorsTuple, shade: number): string =>
  shade < 9 ? (shades[shade] ?? '') : `color-mix(in srgb, ${shades[9]}, black 30%)`
