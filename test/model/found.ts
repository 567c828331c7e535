import type { Command } from './commands.ts'

/** Stories that once ended badly, each made as short as it could be: they are played first, always. */
export const FOUND: Readonly<Record<string, readonly Command[]>> = {
  'an end and an opening at one moment left the opening open': [
    { do: 'ask', who: 0, flow: 0, minutes: 50 },
    {
      do: 'together',
      calls: [
        { do: 'give back', who: 'right', which: 0 },
        { do: 'open', who: 'right', which: 0 },
      ],
    },
    { do: 'wait', minutes: 20 },
  ],
  'access lasted beyond its end because its target was away': [
    { do: 'ask', who: 0, flow: 0, minutes: 50 },
    { do: 'open', who: 'right', which: 0 },
    { do: 'target goes away' },
    { do: 'give back', who: 'right', which: 0 },
    { do: 'target comes back' },
  ],
  'the model took it for revoked what had come to its end while its target was away, because somebody had altered it there': [
    { do: 'ask', who: 0, flow: 0, minutes: 50 },
    { do: 'target goes away' },
    { do: 'meddle', which: 0, how: 'account deleted' },
    { do: 'wait', minutes: 60 },
  ],
}
