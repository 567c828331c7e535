import { Injectable } from '@nestjs/common'
import type { Tx } from '../platform/postgres/database.ts'

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
      .flatMap(({ kind, ids }) => (kind.isUseAlone ? [] : ids))
      .toSorted((a, b) => (a < b ? -1 : 1))
  }

  /** `2 live grants and 1 unfinished run`; undefined where nothing lives. */
  async inWords(tx: Tx, integrationId: string): Promise<string | undefined> {
    const words = (await this.each(tx, integrationId)).flatMap(({ kind, ids }) =>
      ids.length === 0 ? [] : [`${ids.length} ${ids.length === 1 ? kind.one : kind.many}`],
    )
    return words.length === 0 ? undefined : words.join(' and ')
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
