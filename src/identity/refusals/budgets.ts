interface Budget {
  left: number
  at: number
}

/** With more keys than that, new ones share one budget: a caller with many addresses fills no memory. */
const MOST_KEYS = 5000
const EVERYBODY_ELSE = 'everybody else'

/** How often each key may do something: so often at once, and so many more times each minute. */
export class Budgets {
  private readonly most: number
  private readonly perMs: number
  private readonly budgets = new Map<string, Budget>()

  constructor({ most, perMinute }: { readonly most: number; readonly perMinute: number }) {
    this.most = most
    this.perMs = perMinute / 60_000
  }

  /** Whether there is one left for this key, which is taken. */
  take(key: string, now = performance.now()): boolean {
    const budget = this.of(this.budgets.has(key) || this.hasRoom(now) ? key : EVERYBODY_ELSE, now)
    budget.left = this.leftOf(budget, now)
    budget.at = now
    if (budget.left < 1) return false
    budget.left -= 1
    return true
  }

  /** What was taken turned out to be none of what is counted. */
  giveBack(key: string, now = performance.now()): void {
    const budget = this.budgets.get(key) ?? this.budgets.get(EVERYBODY_ELSE)
    if (!budget) return
    budget.left = Math.min(this.most, this.leftOf(budget, now) + 1)
    budget.at = now
  }

  private of(key: string, now: number): Budget {
    const found = this.budgets.get(key)
    if (found) return found
    const made = { left: this.most, at: now }
    this.budgets.set(key, made)
    return made
  }

  /** Who has their whole budget back need not be remembered. */
  private hasRoom(now: number): boolean {
    if (this.budgets.size < MOST_KEYS) return true
    for (const [key, budget] of this.budgets) if (this.leftOf(budget, now) >= this.most) this.budgets.delete(key)
    return this.budgets.size < MOST_KEYS
  }

  private leftOf({ left, at }: Budget, now: number): number {
    return Math.min(this.most, left + (now - at) * this.perMs)
  }
}
