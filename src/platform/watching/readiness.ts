import { Injectable } from '@nestjs/common'

export type Condition = { readonly ok: true } | { readonly ok: false; readonly detail: string }

/** What works less well than it should. The daemon stays ready: other integrations and everything ending do not depend on it. */
@Injectable()
export class Readiness {
  private readonly troubles = new Map<string, string>()

  /** Says how a part stands now, such as an integration's session; the last word counts. */
  report(name: string, condition: Condition): void {
    if (condition.ok) this.troubles.delete(name)
    else this.troubles.set(name, condition.detail)
  }

  /** The part is no more: a removed integration. */
  forget(name: string): void {
    this.troubles.delete(name)
  }

  get degraded(): { name: string; detail: string }[] {
    return [...this.troubles].map(([name, detail]) => ({ name, detail }))
  }
}
