import { Injectable } from '@nestjs/common'
import { readDecisions } from '../approvals/requests/approval.ts'
import { readRequestResources, selectRequests } from '../approvals/requests/request.ts'
import { Approvers } from '../approvals/stages/approvers.ts'
import { isRepeated } from '../approvals/stages/stages.ts'
import type { Part } from '../audit/kinds/kind.ts'
import { deciders } from '../changes/proposal-endings.ts'
import type { Role } from '../contract/identity.ts'
import type { People } from '../contract/people.ts'
import { Directory } from '../identity/directory/directory.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { type ChainEvent, idsIn } from './chain-event.ts'
import type { Facts } from './facts.ts'
import { eachOnce, partsOf } from './recipients.ts'

/** Whose token it is that somebody else made, or whose enrolment code. */
const MADE_FOR_THEM = `select user_id as id from api_tokens where id = $1 and delegated
  union select user_id from enrolment_codes where id = $1`

/** Whose token ended with somebody else: once, though others were made with it. */
const ENDED_FOR_THEM = `select t.user_id as id from api_tokens t where t.id = $1
  and not exists (select from api_tokens p where p.id = t.parent_id and p.user_id = t.user_id and p.revoked_at = t.revoked_at)`

/** Who is told of an event, as the directory and the flow's version say now. */
@Injectable()
export class Audiences {
  constructor(
    private readonly approvers: Approvers,
    private readonly directory: Directory,
  ) {}

  async of(tx: Tx, event: ChainEvent, facts: Facts | undefined): Promise<Map<string, Part>> {
    const people: Partial<Record<Part, readonly string[]>> = {}
    for (const part of partsOf(event.kind)) people[part] = await this.peopleOf(tx, part, event, facts)
    return eachOnce(people)
  }

  private async peopleOf(tx: Tx, part: Part, event: ChainEvent, facts: Facts | undefined): Promise<readonly string[]> {
    switch (part) {
      case 'own':
        return facts ? [facts.requester.id] : this.whoOrdered(tx, event.subject)
      case 'decide':
        return facts ? this.deciders(tx, facts.requestId, event) : []
      case 'review':
        return facts ? this.reviewers(tx, facts) : []
      case 'notice':
        return event.subject.startsWith('int_')
          ? idsOf(await this.approvers.owning(event.subject, tx))
          : this.named(tx, facts?.notify)
      case 'alert':
        return idsIn(event.data['alert'])
      case 'accept':
        return without(idsOf(await this.directory.withRole(tx, ...deciders(event.data['kind']))), event.actor)
      case 'admin':
        return without(idsOf(await this.directory.withRole(tx, ...caring(event))), leaverIn(event))
      case 'holder':
        if (event.kind === 'token.revoked' && event.data['inHandsOf'] === undefined) return []
        return idsOf(
          await rows<{ id: string }>(tx, event.kind === 'token.revoked' ? ENDED_FOR_THEM : MADE_FOR_THEM, [event.subject]),
        )
      case 'self':
        return [event.subject]
      case 'proposer':
        return idsOf(await rows<{ id: string }>(tx, 'select proposer_id as id from proposals where id = $1', [event.subject]))
    }
  }

  /** Of the stage the event speaks of: by now the request may be further. */
  private async deciders(tx: Tx, requestId: string, event: ChainEvent): Promise<string[]> {
    const [request] = await selectRequests(tx, 'q.id = $1', [requestId])
    if (!request) return []
    const stage = typeof event.data['stage'] === 'number' ? event.data['stage'] : 0
    const escalated = event.kind === 'request.escalated' || (request.escalated && request.stage === stage)
    const resources = await readRequestResources(tx, requestId)
    const asked = await this.approvers.of({ ...request, resources }, (number) => escalated && number === stage, tx)
    const before = (await readDecisions(tx, requestId)).filter((decision) => decision.stage !== stage)
    const deciders = new Set(asked.stages[stage]?.parties.flatMap((party) => [...party.people]))
    return [...deciders].filter((id) => !isRepeated(asked, stage, before, [id]))
  }

  /** The people the flow names to look at an emergency; admins and auditors where it names nobody. */
  private async reviewers(tx: Tx, { requestId, requester }: Facts): Promise<string[]> {
    const approval = (await selectRequests(tx, 'q.id = $1', [requestId]))[0]?.rule.approval
    const named = approval?.kind === 'emergency' ? await this.named(tx, approval.reviewers) : []
    return without(named.length > 0 ? named : idsOf(await this.directory.withRole(tx, 'admin', 'auditor')), requester.id)
  }

  /** Of a run that a person had done. */
  private async whoOrdered(tx: Tx, subject: string): Promise<string[]> {
    if (!subject.startsWith('run_')) return []
    const by = await rows<{ id: string }>(
      tx,
      'select ordered_by as id from ordered_runs where id = $1 and ordered_by is not null',
      [subject],
    )
    return idsOf(by)
  }

  private async named(tx: Tx, people: People | undefined): Promise<string[]> {
    if (!people || people.groups.length + people.users.length === 0) return []
    return idsOf(await this.approvers.named(people, tx))
  }
}

/** Owners see rotations, and may do by hand what is due. */
function caring({ subject }: ChainEvent): readonly Role[] {
  return subject.startsWith('rot_') ? ['admin', 'owner'] : ['admin']
}

/** Who may have a SCIM token in hand is not who is told to rotate it. */
function leaverIn({ kind, data }: ChainEvent): string {
  return kind === 'scim_token.maker_left' ? String(data['userId']) : ''
}

function without(ids: readonly string[], one: string): string[] {
  return ids.filter((id) => id !== one)
}

function idsOf(people: readonly { readonly id: string }[]): string[] {
  return people.map(({ id }) => id)
}
