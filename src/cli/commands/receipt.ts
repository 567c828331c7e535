import type { Command } from 'commander'
import type { z } from 'zod'
import type { revocationReceipt } from '../../contract/grants.ts'
import { at } from '../api-client.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { facts, table } from '../lines.ts'
import type { Terminal } from '../main.ts'

/** The evidence that nothing of a grant is left. */
export function receipt(program: Command, terminal: Terminal): void {
  withApi(program.command('receipt <grant>').summary('show the evidence that ended access is gone')).action(
    async (id: string, options: ApiOptions) => {
      await show(
        terminal,
        options,
        (api) => api.get<z.infer<typeof revocationReceipt>>(at`/api/grants/${id}/receipt`),
        ({ grant, reason, dueAt, powerlessAt, target, evidence }) => [
          ...facts({ grant, 'ended because': reason, due: dueAt, 'powerless since': powerlessAt, ...target }),
          '',
          ...table(
            ['WHAT', 'GONE', 'OBSERVED', 'AT', 'REQUEST', 'ID OF'],
            evidence.map((one) => [
              one.artefact,
              one.gone ? 'yes' : one.mayStay ? `NO: ${one.mayStay}` : 'NO',
              one.observed,
              one.at,
              one.requestId ?? '',
              whoseId(one),
            ]),
          ),
        ],
      )
    },
  )
}

/** Which of two ids stands there, and whether the target's audit log is the place to look it up. */
function whoseId({ requestIdBy, correlationAudited }: z.infer<typeof revocationReceipt>['evidence'][number]): string {
  if (requestIdBy === 'target') return 'the target'
  return correlationAudited === false ? 'latchkey; not in the target’s audit log' : 'latchkey (x-correlation-id)'
}
