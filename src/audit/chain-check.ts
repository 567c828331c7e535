import type { AuditFinding } from '../contract/audit.ts'
import { type Head, type LinkedEvent, linkHash, ROOT } from './link.ts'

/** A link and the event it names; null when there is no such event. */
export interface Link extends Head {
  readonly eventId: string
  readonly event: LinkedEvent | null
}

interface Mismatch extends Link {
  readonly event: LinkedEvent
  readonly previousHash: string
  /** what the hash should be */
  readonly computed: string
}

const MOST_FINDINGS = 100

/** Goes along the chain and notes what does not follow from what came before. Fed link by link, so that it needs no memory to speak of. */
export class ChainCheck {
  private last = ROOT
  private events = 0
  private firstSeq = 0
  private witnessed = 0
  private readonly awaited: Map<number, Set<string>>
  private readonly found: AuditFinding[] = []
  private readonly mismatches: Mismatch[] = []

  /**
   * @param begins `anywhere`: the first link may be a later one, and is then taken as it is
   * @param noted where the chain ended when somebody looked earlier, and where it must still come by
   */
  constructor(
    private readonly begins: 'at the root' | 'anywhere',
    noted: readonly Head[] = [],
  ) {
    const bySeq = Map.groupBy(noted, ({ seq }) => seq)
    this.awaited = new Map([...bySeq].map(([seq, heads]) => [seq, new Set(heads.map(({ hash }) => hash))]))
  }

  get seen(): number {
    return this.events
  }

  get end(): Head {
    return { seq: this.last.seq, hash: this.last.hash }
  }

  note(finding: AuditFinding): void {
    if (this.found.length < MOST_FINDINGS) this.found.push(finding)
  }

  add(link: Link): void {
    this.events += 1
    const { last } = this
    const isAnchor = this.begins === 'anywhere' && this.events === 1
    if (this.events === 1) this.firstSeq = link.seq
    const follows = link.seq === last.seq + 1
    if (link.seq <= last.seq) {
      this.note({
        kind: 'inserted',
        seq: link.seq,
        eventId: link.eventId,
        detail: `a second link claims a place up to ${last.seq}`,
      })
      return
    }
    if (!follows && !isAnchor) {
      this.note({ kind: 'deleted', seq: last.seq + 1, detail: missing(last.seq + 1, link.seq - 1) })
    }
    if (link.event === null) {
      this.note({ kind: 'deleted', seq: link.seq, eventId: link.eventId, detail: 'the link is there, its event is not' })
    } else if (follows) {
      this.compare({ ...link, event: link.event })
    }
    this.last = link
    this.witness(link)
  }

  /** Once the last link was added: the chain must end here. */
  compareHead(expected: Head): void {
    const { seq, hash } = this.last
    if (seq < expected.seq) this.note({ kind: 'deleted', seq: seq + 1, detail: missing(seq + 1, expected.seq) })
    if (seq > expected.seq) {
      this.note({ kind: 'inserted', seq: expected.seq + 1, detail: `the chain goes on to ${seq}, its head says ${expected.seq}` })
    }
    if (seq === expected.seq && hash !== expected.hash) {
      this.note({ kind: 'head', seq, detail: `the chain ends with ${hash}, its head says ${expected.hash}` })
    }
  }

  /** Everything that was found, once the last link was added. */
  findings(): AuditFinding[] {
    for (const finding of explained(this.mismatches)) this.note(finding)
    const seqs = [...this.awaited.keys()]
    // What begins later cannot come by what was noted before, and has to come by something.
    const passedOver = (seq: number) => this.begins === 'anywhere' && seq < this.firstSeq && this.witnessed > 0
    for (const seq of seqs.filter((one) => !passedOver(one))) {
      this.note({ kind: 'head', seq, detail: `the head that was noted is not there: ${missing(seq, seq)}` })
    }
    return this.found.sort((a, b) => a.seq - b.seq)
  }

  private compare(link: Link & { event: LinkedEvent }): void {
    const { hash: previousHash } = this.last
    const computed = linkHash(previousHash, link.seq, link.event)
    if (computed === link.hash) return
    const before = this.mismatches.at(-1)
    // The link before was itself false. If this one follows from what that should have been, this one is sound.
    if (before?.seq === link.seq - 1 && linkHash(before.computed, link.seq, link.event) === link.hash) return
    if (this.mismatches.length < MOST_FINDINGS) this.mismatches.push({ ...link, previousHash, computed })
  }

  private witness({ seq, hash, eventId }: Link): void {
    const noted = this.awaited.get(seq) ?? []
    if (this.awaited.delete(seq)) this.witnessed += 1
    for (const other of noted) {
      if (other !== hash) this.note({ kind: 'head', seq, eventId, detail: `the hash is ${hash}, and ${other} was noted` })
    }
  }
}

/** Tells links that changed places from links and events that changed. */
function explained(mismatches: readonly Mismatch[]): AuditFinding[] {
  const hashes = new Set(mismatches.map((link) => link.hash))
  return mismatches.flatMap((link): AuditFinding[] => {
    const named = { seq: link.seq, eventId: link.eventId }
    const others = mismatches.filter((other) => other !== link)
    if (others.some((other) => linkHash(other.hash, link.seq, link.event) === link.hash)) return [] // only its neighbour moved
    const owner = others.find((other) => hashes.has(linkHash(link.previousHash, link.seq, other.event)))
    const home = others.find((other) => hashes.has(linkHash(other.previousHash, other.seq, link.event)))
    if (owner) return [{ kind: 'reordered', ...named, detail: `here belongs ${owner.event.id}, which stands at ${owner.seq}` }]
    if (home) return [{ kind: 'reordered', ...named, detail: `its event belongs at ${home.seq}` }]
    return [{ kind: 'edited', ...named, detail: 'the hash does not follow from the event and the link before' }]
  })
}

function missing(from: number, to: number): string {
  return from === to ? `link ${from} is missing` : `links ${from} to ${to} are missing`
}
