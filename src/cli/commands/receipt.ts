import type { Command } from 'commander'
import { grants } from '../../contract/endpoints/grants.ts'
import type { RevocationReceipt } from '../../contract/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { facts, table } from '../lines.ts'
import type { Terminal } from '../main.ts'
import { writtenOffInWords } from '../words.ts'

type Piece = RevocationReceipt['evidence'][number]

/** The evidence that nothing of a grant is left. */
export function receipt(program: Command, terminal: Terminal): void {
  withApi(program.command('receipt <grant>').summary('show the evidence that ended access is gone')).action(
    async (id: string, options: ApiOptions) => {
      await show(
        terminal,
        options,
        (api) => api.call(grants.receipt, { params: { id } }),
        ({ grant, reason, dueAt, powerlessAt, target, writtenOff, evidence, cameBack }) => [
          ...(writtenOff ? [`NOT PROVED: ${writtenOffInWords(writtenOff)}`] : []),
          ...facts({ grant, 'ended because': reason, due: dueAt, 'powerless since': powerlessAt, ...target }),
          '',
          ...table(HEADINGS, evidence.map(line)),
          ...(cameBack
            ? ['', `Its system came back, and was looked at ${cameBack.at}:`, ...table(HEADINGS, cameBack.evidence.map(line))]
            : []),
        ],
      )
    },
  )
}

const HEADINGS = ['WHAT', 'GONE', 'OBSERVED', 'AT', 'REQUEST', 'ID OF']

function line(one: Piece): string[] {
  const id = one.lookedAt === false ? '' : whoseId(one)
  return [one.artefact, isGone(one), one.observed, one.at, one.requestId ?? '', id]
}

function isGone({ gone, lookedAt, mayStay }: Piece): string {
  if (lookedAt === false) return 'NOT LOOKED AT'
  if (gone) return 'yes'
  return mayStay ? `NO: ${mayStay}` : 'NO'
}

/** Which of two ids stands there, and whether the target's audit log is the place to look it up. */
function whoseId({ requestIdBy, correlationAudited }: Piece): string {
  if (requestIdBy === 'target') return 'the target'
  return correlationAudited === false ? 'latchkey; not in the target’s audit log' : 'latchkey (x-correlation-id)'
}
