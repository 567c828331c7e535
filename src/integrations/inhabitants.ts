import { Injectable } from '@nestjs/common'
import type { Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'

const NAMED_AT_MOST = 5

/** Something that is not over yet in a target. */
export interface Inhabitant {
  readonly id: string
  /** what another kind calls the same thing: the run of a grant */
  readonly alias?: string
}

export interface InhabitantKind {
  /** `live grant` */
  readonly one: string
  readonly many: string
  /** nothing of it is in the target: it keeps the integration from being removed, and not from moving */
  readonly isUseAlone?: true
  /** it rests, and could be taken back: it is left behind only when who removes the integration says so */
  readonly mayBeLeft?: true
  living(tx: Tx, integrationId: string): Promise<readonly Inhabitant[]>
}

/** What lives in the target of an integration. Those who keep it say how it is found. */
@Injectable()
export class Inhabitants {
  private readonly kinds: InhabitantKind[] = []

  register(kind: InhabitantKind): void {
    this.kinds.push(kind)
  }

  /** Ids of all of them, each once. */
  async ids(tx: Tx, integrationId: string): Promise<string[]> {
    return (await this.each(tx, integrationId))
      .flatMap(({ kind, ids }) => (kind.isUseAlone || kind.mayBeLeft ? [] : ids))
      .toSorted((a, b) => (a < b ? -1 : 1))
  }

  /** `2 live grants and 1 unfinished run`; undefined where nothing lives. */
  async inWords(tx: Tx, integrationId: string): Promise<string | undefined> {
    const words = (await this.each(tx, integrationId)).flatMap(({ kind, ids }) =>
      ids.length === 0 || kind.mayBeLeft ? [] : [`${ids.length} ${ids.length === 1 ? kind.one : kind.many}`],
    )
    return words.length === 0 ? undefined : words.join(' and ')
  }

  /** Ids of what could be taken back no more without the integration. Throws where there is any, unless who removes it says that they know. */
  async leftBehind(tx: Tx, integrationId: string, { name, isSaid }: { name: string; isSaid: boolean }): Promise<string[]> {
    const left = (await this.each(tx, integrationId)).flatMap(({ kind, ids }) => (kind.mayBeLeft ? ids : []))
    if (left.length === 0 || isSaid) return left
    const named = left.slice(0, NAMED_AT_MOST).join(', ')
    const more = left.length > NAMED_AT_MOST ? ` and ${left.length - NAMED_AT_MOST} more` : ''
    throw new BrokerError('conflict', `${name} cannot be removed: something is left there of ${named}${more}`, {
      field: 'force',
      fix: `take it back first (latchkey rollback ${left[0]} --reason …); or remove it with force=true, and it can be taken back no more`,
    })
  }

  private async each(tx: Tx, integrationId: string): Promise<{ kind: InhabitantKind; ids: string[] }[]> {
    // What takes a target's address away must not go on because nobody was there to be asked.
    if (this.kinds.length === 0) throw new TypeError('nobody says what lives in a target')
    const found: { kind: InhabitantKind; living: readonly Inhabitant[] }[] = []
    for (const kind of this.kinds) found.push({ kind, living: await kind.living(tx, integrationId) })
    const aliases = new Set(found.flatMap(({ living }) => living.map(({ alias }) => alias)))
    return found.map(({ kind, living }) => ({ kind, ids: living.flatMap(({ id }) => (aliases.has(id) ? [] : [id])) }))
  }
}
