import { BROKER, record } from '../audit/record.ts'
import type { Role } from '../contract/identity.ts'
import type { ProposalView } from '../contract/proposals.ts'
import type { Caller } from '../identity/callers/caller.ts'
import type { Hands } from '../identity/callers/hands.ts'
import { HOWEVER_OLD_MINUTES, rolesOf } from '../identity/directory/membership.ts'
import { withdraw } from '../platform/due/due-work.ts'
import { row, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import type { RolesByKind } from './change-kind.ts'
import { PROPOSAL_WORK } from './four-eyes.ts'
import { type Proposal, selectProposals } from './proposal.ts'
import { type ProposalEvent, proposalMachine } from './proposal-machine.ts'

export interface Ending {
  /** who decided; the broker where nobody did */
  readonly by?: Pick<Caller, 'id' | 'cameWith'> & { readonly hands: Hands }
  readonly problem?: ProposalView['problem']
}

/** The only place that moves a proposal. When it is over, what it held sealed is gone. */
export async function moveProposal(tx: Tx, proposal: Proposal, event: ProposalEvent, ending: Ending): Promise<void> {
  const to = proposalMachine.next(proposal.state, event)
  if (!to) throw new BrokerError('conflict', `the proposal is already ${proposal.state}`)
  const { by, problem = null } = ending
  await rows(
    tx,
    `update proposals set state = $2, problem = $4, decided_by = coalesce($3, decided_by), decided_hands = coalesce($6, decided_hands),
       decided_with = coalesce($7, decided_with), decided_at = coalesce(decided_at, now()),
       performed_at = case when $2 = 'performed' then now() end, body = case when $5 then null else body end
     where id = $1`,
    [
      proposal.id,
      to,
      by?.id ?? null,
      problem && JSON.stringify(problem),
      proposalMachine.isFinal(to),
      by?.hands ?? null,
      by?.cameWith ?? null,
    ],
  )
  await withdraw(tx, [PROPOSAL_WORK.lapse], [proposal.id])
  await record(tx, {
    kind: `proposal.${to}`,
    actor: by?.id ?? BROKER,
    subject: proposal.id,
    data: { kind: proposal.kind, of: proposal.subject, reason: problem?.message },
  })
}

/** What was proposed for something that is gone; what is being decided or made right now finds that out by itself. */
export async function withdrawProposals(tx: Tx, subject: string, why: string): Promise<void> {
  const open = await selectProposals(tx, `p.subject = $1 and p.state = 'open' for update of p skip locked`, [subject])
  for (const proposal of open) {
    await moveProposal(tx, proposal, 'withdraw', { problem: { code: 'not_found', message: why } })
  }
}

/** SQL: whether one of `people` has none of `roles`, or is not here, or was disabled since `at`. Somebody who made a token may have its role or be an admin. */
function lacks(people: string, roles: string, at: string, orAdmin = false): string {
  return `exists (select from unnest(${people}) as p_hand (id) left join users h on h.id = p_hand.id
    where h.state is distinct from 'active' or h.left_at >= ${at}
      or not ${rolesOf(HOWEVER_OLD_MINUTES, 'h')} && ${orAdmin ? `(${roles} || array['admin'])` : roles})`
}

const ALLOWED = `array(select jsonb_array_elements_text($1::jsonb -> p.kind))`

/** SQL: whether who proposed `p` may still do so, `$1` being roles by kind, and the maker of their token has not left or lost the role since. */
export const MAY_STILL_PROPOSE = `not (${lacks('array[p.proposer_id]', ALLOWED, 'p.created_at')}
  or ${lacks('p.token_makers', ALLOWED, 'p.created_at', true)})`

/** Why the proposer may not make this change any more; undefined while they may. */
export async function lostRight(tx: Tx, roles: RolesByKind, proposal: Proposal): Promise<ProposalView['problem']> {
  const may = await row<{ may: boolean }>(tx, `select ${MAY_STILL_PROPOSE} as may from proposals p where p.id = $2`, [
    JSON.stringify(roles),
    proposal.id,
  ])
  return may?.may ? null : LOST
}

/** The same of who accepted it, until it is made: they, and everybody who may have done it with their token, are here and have the say. */
export async function lostSay(tx: Tx, proposal: Proposal): Promise<ProposalView['problem']> {
  const hands = `array(select h.id from users h where h.id = any(p.decided_hands))`
  const lost = await row<{ lost: boolean }>(
    tx,
    `select ${lacks(`array[p.decided_by] || ${hands}`, '$2::text[]', 'p.decided_at', true)} as lost from proposals p where p.id = $1`,
    [proposal.id, deciders(proposal.kind)],
  )
  return lost?.lost ? LOST_SAY : null
}

/** Nobody decides on a change that they could not have made. The owners of an integration, too, are for admins to accept. */
export function deciders(kind: unknown): readonly Role[] {
  return String(kind).startsWith('flow.') ? ['admin', 'owner'] : ['admin']
}

const LOST_SAY = {
  code: 'auth.forbidden',
  message:
    'the person who accepted it, or a person who could act as them, was disabled or lost their role before the change was made',
  fix: 'propose it again, and ask another person to accept it',
} satisfies ProposalView['problem']

export const LOST = {
  code: 'auth.forbidden',
  message:
    'the proposer may no longer make this change: they, or the person who made their token, were disabled or lost their role',
  fix: 'propose it again, as a person who may make this change',
} satisfies ProposalView['problem']
