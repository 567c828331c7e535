import { type CSSVariablesResolver, createTheme } from '@mantine/core'

/** One accent, system fonts, generous spacing. */
export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.6rem' }, h2: { fontSize: '1.15rem' }, h3: { fontSize: '1rem' } } },
  respectReducedMotion: true,
})

/** Where Mantine's own greys and reds are too pale to be read by everybody. */
export const colours: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#f8f9fa',
    '--mantine-color-dimmed': '#495057',
    '--mantine-color-placeholder': '#5c636a',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-anchor': '#0b7285',
    '--lk-card': '#ffffff',
    '--lk-line': '#dee2e6',
    '--lk-code': '#f1f3f5',
    '--lk-good': '#2b6a36',
    '--lk-bad': '#b02525',
    '--lk-wait': '#8a4b00',
    '--lk-accent-soft': '#e3f7fa',
  },
  dark: {
    '--mantine-color-body': '#16181b',
    '--mantine-color-text': '#dfe2e6',
    '--mantine-color-dimmed': '#aeb4bb',
    '--mantine-color-placeholder': '#9aa1a8',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-anchor': '#66d9e8',
    '--lk-card': '#1f2226',
    '--lk-line': '#373b41',
    '--lk-code': '#141619',
    '--lk-good': '#8ce99a',
    '--lk-bad': '#ff9b9b',
    '--lk-wait': '#ffc078',
    '--lk-accent-soft': '#12333a',
  },
})
