/** Things of which each serves one at a time; who finds none free waits. One that saw a failure is not used again. */
export class Turns<Thing extends { close(): Promise<void> }> {
  private readonly slots: { thing?: Thing | undefined }[]
  private readonly waiting: (() => void)[] = []
  private readonly free: number[]

  constructor(
    count: number,
    private readonly make: () => Promise<Thing>,
  ) {
    this.slots = Array.from({ length: count }, () => ({}))
    this.free = this.slots.map((_slot, index) => index)
  }

  async take<Result>(work: (thing: Thing) => Promise<Result>): Promise<Result> {
    while (this.free.length === 0) await new Promise<void>((resolve) => void this.waiting.push(resolve))
    const index = this.free.pop()!
    const slot = this.slots[index]!
    try {
      slot.thing ??= await this.make()
      return await work(slot.thing)
    } catch (error) {
      await slot.thing?.close()
      slot.thing = undefined
      throw error
    } finally {
      this.free.push(index)
      this.waiting.shift()?.()
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.slots.map(async (slot) => slot.thing?.close()))
  }
}
