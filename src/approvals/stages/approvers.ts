import { Injectable } from '@nestjs/common'
import type { People } from '../../contract/people.ts'
import type { AccessRule, ApprovalStage, ApproverSource } from '../../contract/rules.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { peopleInEach } from '../../identity/callers/hands-of.ts'
import { Directory, PERSON, type Person } from '../../identity/directory/directory.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { type Party, type Stage, type Stages, stagesOf } from './stages.ts'

/** What decides who must be asked. */
export interface Matter {
  readonly rule: Pick<AccessRule, 'approval'>
  readonly requesterId: string
  /** whose asking it may be; none of them is asked */
  readonly hands: Hands
  readonly integrationId: string
  readonly resources: readonly { readonly tags: Readonly<Record<string, string>> }[]
}

interface AskedBy extends Matter {
  readonly askers: ReadonlySet<string>
}

/** The stages as they stand now, and everybody in them. */
export interface Asked extends Stages {
  readonly people: ReadonlyMap<string, Person>
}

interface Owners {
  readonly owners: People | null
  readonly resourceOwner: { readonly tagKey: string; readonly attribute: 'email' | 'user_name' | 'external_id' | 'group' } | null
}

const NO_OWNERS: Owners = { owners: null, resourceOwner: null }

/** Finds who may decide, from what the directory says at this moment. Never who asked, whatever road leads to them. */
@Injectable()
export class Approvers {
  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
  ) {}

  /** `isEscalated` says of which stages the delay is over. */
  async of(matter: Matter, isEscalated: (stage: number) => boolean = () => false, tx: Tx = this.database.pool): Promise<Asked> {
    const [asked] = await this.ofEach([{ matter, isEscalated }], tx)
    return asked!
  }

  /** Of many at once: what several of them ask of the directory is read once. */
  async ofEach(
    waiting: readonly { readonly matter: Matter; readonly isEscalated: (stage: number) => boolean }[],
    tx: Tx = this.database.pool,
  ): Promise<Asked[]> {
    const askers = await peopleInEach(
      tx,
      waiting.map(({ matter }) => matter.hands),
    )
    const look = new Look(tx)
    const all: Asked[] = []
    for (const [i, { matter, isEscalated }] of waiting.entries()) {
      all.push(await this.stages({ ...matter, askers: askers[i]! }, isEscalated, look))
    }
    return all
  }

  /** Everybody active who is named, for lists that only tell. */
  async named(people: People | undefined, tx: Tx = this.database.pool): Promise<Person[]> {
    return people ? this.directory.members(people.groups, people.users, tx) : []
  }

  /** Everybody active who answers for an integration. */
  async owning(integrationId: string, tx: Tx = this.database.pool): Promise<Person[]> {
    return this.named((await this.ownersOf(integrationId, tx)).owners ?? undefined, tx)
  }

  private async stages(matter: AskedBy, isEscalated: (stage: number) => boolean, look: Look): Promise<Asked> {
    const people = new Map<string, Person>()
    const note = (found: readonly Person[]) => {
      for (const person of found) people.set(person.id, person)
      return found
    }
    const stages: Stage[] = []
    for (const [number, stage] of stagesOf(matter.rule.approval).entries()) {
      const sources = [...stage.approvers, ...(isEscalated(number) ? (stage.escalation?.approvers ?? []) : [])]
      stages.push({
        parties: await this.parties(stage, sources, matter, note, look),
        escalatesAfterSeconds: stage.escalation?.afterSeconds ?? null,
      })
    }
    const { approval } = matter.rule
    return { stages, mayRepeat: approval.kind === 'stages' && approval.mayRepeat, people }
  }

  private async parties(
    stage: ApprovalStage,
    sources: readonly ApproverSource[],
    matter: AskedBy,
    note: (found: readonly Person[]) => readonly Person[],
    look: Look,
  ): Promise<Party[]> {
    const { integrationId, askers } = matter
    const owners = sources.some(({ kind }) => kind.endsWith('_owner'))
      ? await look.once(['owners', integrationId], () => this.ownersOf(integrationId, look.tx))
      : NO_OWNERS
    const everywhere: Person[] = []
    for (const source of sources) {
      const whose = source.kind === 'manager' ? matter.requesterId : integrationId
      everywhere.push(...note(await look.once(['source', source, whose], () => this.peopleOf(source, matter, owners, look.tx))))
    }
    if (!sources.some((source) => source.kind === 'resource_owner')) return [party(stage, everywhere, askers)]
    const parties: Party[] = []
    for (const { tags } of matter.resources) {
      const theirs = note(await look.once(['resource', tags, integrationId], () => this.resourceOwners(tags, owners, look.tx)))
      parties.push(party(stage, [...everywhere, ...theirs], askers))
    }
    return distinct(parties)
  }

  private async peopleOf(source: ApproverSource, matter: Matter, owners: Owners, tx: Tx): Promise<Person[]> {
    switch (source.kind) {
      case 'people':
        return this.directory.members(source.groups, source.users, tx)
      case 'manager':
        return rows<Person>(
          tx,
          `select ${PERSON} from users u join users r on r.manager_id = u.id where r.id = $1 and u.state = 'active'`,
          [matter.requesterId],
        )
      case 'integration_owner':
        return this.named(owners.owners ?? undefined, tx)
      case 'resource_owner':
        return [] // resource by resource, above
    }
  }

  /** The people the resource's tag names; the integration's owners where it has no tag or the tag names nobody who is here. */
  private async resourceOwners(tags: Readonly<Record<string, string>>, owners: Owners, tx: Tx): Promise<Person[]> {
    const { resourceOwner } = owners
    const named = resourceOwner && Object.hasOwn(tags, resourceOwner.tagKey) ? tags[resourceOwner.tagKey] : undefined
    const found = resourceOwner && named ? await this.byAttribute(resourceOwner.attribute, named.trim(), tx) : []
    return found.length > 0 ? found : this.named(owners.owners ?? undefined, tx)
  }

  private async byAttribute(attribute: string, value: string, tx: Tx): Promise<Person[]> {
    if (attribute === 'group') {
      const group = await this.directory.groupCalled(value, tx)
      return group === undefined ? [] : this.directory.members([group], [], tx)
    }
    return rows<Person>(
      tx,
      `select ${PERSON} from users u
       where state = 'active' and lower(case $1 when 'email' then email when 'user_name' then user_name else external_id end) = lower($2)`,
      [attribute, value],
    )
  }

  private async ownersOf(integrationId: string, tx: Tx): Promise<Owners> {
    const found = await row<Owners>(tx, 'select owners, resource_owner as "resourceOwner" from integrations where id = $1', [
      integrationId,
    ])
    return found ?? NO_OWNERS
  }
}

function party(stage: ApprovalStage, found: readonly Person[], askers: ReadonlySet<string>): Party {
  const people = new Set(found.map((person) => person.id as string).filter((personId) => !askers.has(personId)))
  return { people, needed: stage.needed === 'all' ? Math.max(1, people.size) : stage.needed }
}

/** Two resources of one owner ask that owner once. */
function distinct(parties: readonly Party[]): Party[] {
  const seen = new Map(parties.map((each) => [[...each.people].sort().join(), each]))
  return [...seen.values()]
}

/** One look at the directory: what was read is not read again. */
class Look {
  private readonly found = new Map<string, Promise<unknown>>()

  constructor(readonly tx: Tx) {}

  once<T>(what: readonly unknown[], read: () => Promise<T>): Promise<T> {
    const key = JSON.stringify(what)
    const found = (this.found.get(key) as Promise<T> | undefined) ?? read()
    this.found.set(key, found)
    return found
  }
}
