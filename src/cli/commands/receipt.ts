import type { Command } from 'commander'
import { grants } from '../../contract/endpoints/grants.ts'
import type { RevocationReceipt } from '../../contract/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { facts, table } from '../lines.ts'
import type { Terminal } from '../terminal.ts'
import { writtenOffInWords } from '../words.ts'
import { changeReceipt } from './change-receipt.ts'

type Piece = RevocationReceipt['evidence'][number]

/** The evidence that nothing of a grant is left. */
export function receipt(program: Command, terminal: Terminal): void {
  withApi(program.command('receipt <id>').summary('show the proof that ended access is gone, or what a run changed')).action(
    async (id: string, options: ApiOptions) => {
      if (id.startsWith('run_')) return changeReceipt(terminal, id, options)
      await show(
        terminal,
        options,
        (api) => api.call(grants.receipt, { params: { id } }),
        ({ grant, reason, dueAt, powerlessAt, target, writtenOff, evidence, beyond = [], cameBack }) => [
          ...(writtenOff ? [`NOT PROVED: ${writtenOffInWords(writtenOff)}`] : []),
          ...facts({ grant, 'ended because': reason, due: dueAt, 'powerless since': powerlessAt, ...target }),
          '',
          ...table(HEADINGS, evidence.flatMap(lines)),
          ...beyond.flatMap((sentence) => ['', `No end reaches this: ${sentence}`]),
          ...(cameBack
            ? [
                '',
                `Its system came back, and was looked at ${cameBack.at}:`,
                ...table(HEADINGS, cameBack.evidence.flatMap(lines)),
              ]
            : []),
        ],
      )
    },
  )
}

const HEADINGS = ['WHAT', 'GONE', 'ASKED', 'OBSERVED', 'AT', 'REQUEST', 'ID OF']

/** A line for each look at a piece, with the id of that look and no other. */
function lines(piece: Piece): string[][] {
  const looks = piece.looks ?? [{ ...piece, asked: '' }]
  return looks.map((look, at) => [
    ...(at === 0 ? [piece.artefact, isGone(piece)] : ['', '']),
    look.asked,
    look.observed,
    look.at,
    look.requestId ?? '',
    piece.lookedAt === false ? '' : whoseId(look, piece),
  ])
}

function isGone({ gone, lookedAt, mayStay }: Piece): string {
  if (lookedAt === false) return 'NOT LOOKED AT'
  if (gone) return 'yes'
  return mayStay ? `NO: ${mayStay}` : 'NO'
}

/** Which of two ids stands there, and whether the target's audit log is the place to look it up. */
function whoseId({ requestIdBy }: Pick<Piece, 'requestIdBy'>, { correlationAudited }: Piece): string {
  if (requestIdBy === 'target') return 'the target'
  return correlationAudited === false ? 'latchkey; not in the target’s audit log' : 'latchkey (x-correlation-id)'
}
