import {
  type Credential,
  type GrantAccessAction,
  type GrantInput,
  type Host,
  isBrokerError,
  type Journaled,
  type Marked,
  type Plugin,
  type RunContext,
  Secret,
  type Step,
} from '../../../src/sdk/index.ts'

/** Everything the suite needs to try one plugin on a real target. What is asked of the target itself is asked without the plugin. */
export interface PluginWorld<Config, Client> {
  readonly plugin: Plugin<Config, Client>
  /** as an admin types it */
  readonly config: unknown
  /** configurations that must be refused, and the field each is refused for */
  readonly wrong: readonly { readonly config: unknown; readonly field: string }[]
  /** configurations that are well-formed, and with which nothing can be done until others see to it: a target that is not there, a login that is refused */
  readonly ill: readonly unknown[]
  /** the configuration of another system of this kind, which differs in nothing but in what leads there, and in secrets */
  readonly elsewhere: unknown
  /** a configuration that leads to the same system by another way, such as another address of it; needed where the plugin tells systems apart */
  readonly alias?: unknown
  readonly host: Host
  /** of a resource that the target has */
  readonly input: GrantInput
  /** what `input` does not ask for: another resource, and another permission where there is one. A look at each, asked of the target itself */
  readonly beyond: readonly { readonly input: GrantInput; getsIn(credential: Credential): Promise<boolean> }[]
  /** a place of a certificate, one where there is none, and what an issuer is asked for; needed where the plugin has certificate sources */
  readonly certificates?: { readonly kept: unknown; readonly missing: unknown; readonly wish: unknown }
  /** texts that stand in the target and are nobody's business */
  readonly canaries: readonly string[]
  /** texts of `config` by which the broker gets in: all of them, and nobody may be shown one */
  readonly secrets: readonly string[]
  /**
   * Puts beside what grants leave something of the same kind that no broker made, and answers by a look whether it is still there. Asked
   * of the target itself; needed where the plugin finds what bears our mark.
   */
  foreign?(): Promise<() => Promise<boolean>>
  /** how long a grant must last at least to be opened in peace; 5 where it is left out */
  readonly shortestSeconds?: number
  /** the context of a run that was never used before */
  newRun(client: Client, secondsLeft: number): RunContext<Client>
  /** whether somebody who holds the credential gets at the resource; asked of the target itself */
  getsIn(credential: Credential): Promise<boolean>
  /** whether the target lets anybody in for this run by now, opened or not; asked of the target itself */
  isOpen(ctx: RunContext<Client>): Promise<boolean>
  /** how many credentials there are by which somebody gets in for this run, in any hand; asked of the target itself */
  waysIn(ctx: RunContext<Client>): Promise<number>
  /** when the target itself ends the access of this run; undefined where it enforces no end, and where there is no access */
  endOf(ctx: RunContext<Client>): Promise<Date | undefined>
  /**
   * How many requests the target has had from the plugin before which it must ask whose the run is: all those that change something, and
   * where it asks before it reads as well, those too. What the plugin does for no run, such as its own login, is not among them.
   */
  requests(): number
  /** what grants leave in the target, read without the plugin; equal states compare equal */
  snapshot(): Promise<unknown>
  stop(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: the suite knows neither the configuration nor the client of a plugin
export type AnyWorld = PluginWorld<any, any>
type Context = RunContext<unknown>

/** A provisioned grant. */
export interface Given {
  readonly ctx: Context
  readonly steps: readonly Journaled<Step>[]
}

/** A plugin connected to its world, and what the broker does with it. */
export class Trial {
  readonly world: AnyWorld
  readonly config: unknown
  readonly client: unknown
  /** what the plugin wrote to the daemon's log */
  readonly logged: readonly unknown[]

  private constructor(world: AnyWorld, config: unknown, client: unknown, logged: readonly unknown[]) {
    this.world = world
    this.config = config
    this.client = client
    this.logged = logged
  }

  static async begin(world: AnyWorld, config: unknown = world.config): Promise<Trial> {
    const logged: unknown[] = []
    const host: Host = { ...world.host, log: (...said) => void logged.push(said) }
    const read: unknown = await world.plugin.config.parseAsync(config)
    return new Trial(world, read, await world.plugin.connect(read, host), logged)
  }

  async end(): Promise<void> {
    await this.world.plugin.close?.(this.client)
  }

  get plugin(): AnyWorld['plugin'] {
    return this.world.plugin
  }

  get access(): GrantAccessAction<unknown, GrantInput> {
    if (!this.plugin.grantAccess) throw new TypeError('this plugin gives no access')
    return this.plugin.grantAccess
  }

  get deliveries(): readonly string[] {
    return this.plugin.allowedDeliveries?.(this.config) ?? this.access.deliveries.map((kind) => kind.name)
  }

  get shortestSeconds(): number {
    return this.world.shortestSeconds ?? 5
  }

  /** Provisions, as the runner does. */
  async give(seconds = 120, input: GrantInput = this.world.input, instance?: string): Promise<Given> {
    const run: Context = this.world.newRun(this.client, seconds)
    const ctx: Context = { ...run, instance: instance ?? run.instance }
    const done: Journaled<Step>[] = []
    for (const step of await this.plan(ctx, input)) done.push(await this.execute(ctx, step))
    return { ctx, steps: done }
  }

  async plan(ctx: Context, input: GrantInput = this.world.input): Promise<Step[]> {
    return (await this.access.plan(ctx, input)).map(fromTheJournal)
  }

  async execute(ctx: Context, step: Step): Promise<Journaled<Step>> {
    return fromTheJournal({ ...step, ...(await this.access.execute(ctx, step)) })
  }

  open({ ctx, steps }: Given, delivery = this.deliveries[0]!, options?: { keepFormer: boolean }): Promise<Credential> {
    return this.access.open(ctx, steps, delivery, options)
  }

  /** The first step back alone. */
  async takePower({ ctx, steps }: Given): Promise<void> {
    await this.access.rollback(ctx, steps.at(-1)!, steps.at(-1)!.record)
  }

  async takeBack({ ctx, steps }: Given): Promise<void> {
    for (const step of steps.toReversed()) await this.access.rollback(ctx, step, step.record)
  }

  /** Pieces of a grant that are not as they should be there. */
  async wrongWith({ ctx, steps }: Given): Promise<string[]> {
    const pieces = (await this.access.verify?.(ctx, steps)) ?? []
    return pieces.filter(({ holds }) => !holds).map(({ artefact, observed }) => `${artefact}: ${observed}`)
  }

  /** Pieces of a grant that are still there, and may not be. */
  async leftOf({ ctx, steps }: Given): Promise<string[]> {
    const pieces = (await this.access.verifyGone?.(ctx, steps)) ?? []
    return pieces.filter(({ holds, mayStay }) => !holds && mayStay === undefined).map(({ artefact }) => artefact)
  }

  async marked(): Promise<Marked[]> {
    const found: Marked[] = []
    for await (const one of this.plugin.marked?.(this.client, soon()) ?? []) found.push(one)
    return found
  }
}

/** What the journal keeps of a step, as it comes back. */
function fromTheJournal<S extends Step>(step: S): S {
  return { ...JSON.parse(JSON.stringify(step)), ...(step.sealed && { sealed: step.sealed }) }
}

/** Who else may keep its grants in the same target. */
export function anotherThan(instance: string): string {
  return instance.split('').toReversed().join('')
}

/** Done by a client of its own, as after a restart or in another replica: it remembers nothing of the grant. */
export async function afterRestart<Answer>(
  { world }: Trial,
  { ctx, steps }: Given,
  work: (later: Trial, given: Given) => Promise<Answer>,
): Promise<Answer> {
  const later = await Trial.begin(world)
  try {
    return await work(later, { ctx: { ...ctx, client: later.client }, steps })
  } finally {
    await later.end()
  }
}

export function soon(): AbortSignal {
  return AbortSignal.timeout(60_000)
}

/** The same grant, which ends later. */
export function extended({ ctx, steps }: Given, bySeconds: number): Given {
  const until = new Date(ctx.until!.getTime() + bySeconds * 1000)
  return { ctx: { ...ctx, until, msLeft: () => until.getTime() - Date.now() }, steps }
}

/** Every secret that a value holds, in clear. */
export function secretsIn(value: unknown): string[] {
  if (value instanceof Secret) return [value.reveal()]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(secretsIn)
}

export function refusalOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** A refusal gives nobody anything; it must be one that the broker can read. */
export function refused(error: unknown): false {
  if (!isBrokerError(error)) throw error
  return false
}
