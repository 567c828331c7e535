import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BrokerError,
  type Credential,
  type DiscoveryPage,
  type GrantInput,
  type Host,
  type Journaled,
  type Marked,
  type Plugin,
  type RunContext,
  type Step,
} from '../../../src/sdk/index.ts'

/** Everything the suite needs to try one plugin on a real target. */
export interface PluginWorld<Config, Client> {
  readonly plugin: Plugin<Config, Client>
  /** as an admin types it */
  readonly config: unknown
  /** configurations that must be refused, and the field each is refused for */
  readonly wrong: readonly { readonly config: unknown; readonly field: string }[]
  readonly host: Host
  /** of a resource that the target has */
  readonly input: GrantInput
  /** texts that stand in the target and are nobody's business */
  readonly canaries: readonly string[]
  /** the context of a run that was never used before */
  newRun(client: Client, secondsLeft: number): RunContext<Client>
  /** whether somebody who holds the credential gets at the resource; asked of the target itself */
  getsIn(credential: Credential): Promise<boolean>
  stop(): Promise<void>
}

interface Given<Client> {
  readonly ctx: RunContext<Client>
  readonly steps: readonly Journaled<Step>[]
}

/** What every plugin promises, tried on a real target. Its reversible actions are tried by `describeReversible` besides. */
export function describePlugin<Config, Client>(name: string, setUp: () => Promise<PluginWorld<Config, Client>>): void {
  describe(`${name}, as a plugin`, () => {
    let world: PluginWorld<Config, Client>
    let client: Client

    beforeAll(async () => {
      world = await setUp()
      client = await world.plugin.connect(await world.plugin.config.parseAsync(world.config), world.host)
    }, 120_000)
    afterAll(async () => {
      if (client !== undefined) await world.plugin.close?.(client)
      await world?.stop()
    })

    it('says what it is, and has a guide', () => {
      const { manifest, resourceTypes } = world.plugin
      expect(manifest.id).toMatch(/^[a-z][a-z0-9-]*$/)
      expect(existsSync(path.resolve(import.meta.dirname, '../../..', manifest.guide))).toBe(true)
      for (const type of resourceTypes) {
        expect(type.permissions.length, type.id).toBeGreaterThan(0)
        expect(new Set(type.permissions.map(({ id }) => id)).size).toBe(type.permissions.length)
      }
    })

    it('refuses a wrong configuration for the field that is wrong', async () => {
      expect(world.wrong.length).toBeGreaterThan(0)
      for (const { config, field } of world.wrong) {
        const read = await world.plugin.config.safeParseAsync(config)
        expect(read.error?.issues.map((issue) => issue.path.join('.'))).toContain(field)
      }
    })

    it('is healthy where everything is as it should be', async () => {
      const checks = await world.plugin.health(client, AbortSignal.timeout(30_000), 'thorough')
      expect(checks.length).toBeGreaterThan(0)
      expect(checks.filter(({ status }) => status === 'failed')).toEqual([])
    })

    it('names the same system each time it is asked', async () => {
      const identity = await world.plugin.identify?.(client, AbortSignal.timeout(10_000))
      expect(await world.plugin.identify?.(client, AbortSignal.timeout(10_000))).toEqual(identity)
      if (identity) expect(Object.keys(identity).length).toBeGreaterThan(0)
    })

    it('discovers what there is, each folder and each name once, and no value', async () => {
      const { plugin, input, canaries } = world
      const pages: DiscoveryPage[] = []
      for await (const page of plugin.discover?.(client, [''], AbortSignal.timeout(60_000)) ?? []) pages.push(page)
      const folders = pages.map(({ folder }) => folder)
      expect(new Set(folders).size).toBe(folders.length)
      expect(pages.flatMap((page) => page.folders).filter((folder) => !folders.includes(folder))).toEqual([])
      const found = pages.flatMap(({ resources }) => resources)
      const names = found.map((one) => `${one.type} ${one.name}`)
      expect(new Set(names).size).toBe(names.length)
      expect(names).toEqual(expect.arrayContaining(input.resources.map((one) => `${one.type} ${one.name}`)))
      const types = plugin.resourceTypes.map(({ id }) => id)
      expect(found.filter(({ type }) => !types.includes(type))).toEqual([])
      const told = JSON.stringify([
        pages,
        (await plugin.describe?.(client, found.slice(0, 50), AbortSignal.timeout(60_000))) ?? [],
      ])
      expect(canaries.filter((canary) => told.includes(canary))).toEqual([])
    })

    it('describes what it discovered, and nothing else', async () => {
      const { plugin, input } = world
      if (!plugin.describe) return
      const asked = input.resources.map(({ type, name, attributes }) => ({ type, name, attributes }))
      const told = await plugin.describe(client, asked, AbortSignal.timeout(60_000))
      const named = ({ type, name }: { type: string; name: string }) => `${type} ${name}`
      expect(told.map(named).filter((one) => !asked.map(named).includes(one))).toEqual([])
      expect(told.filter(({ unreadable }) => unreadable !== undefined)).toEqual([])
    })

    it('keeps its own session with the target, and says how it stands', async () => {
      const { plugin } = world
      await plugin.keepAlive?.(client, AbortSignal.timeout(30_000))
      await plugin.keepAlive?.(client, AbortSignal.timeout(30_000))
      if (plugin.session) expect(plugin.session(client)).toMatchObject({ ok: true })
    })

    it('advises what the broker needs in the target, and tells no secret of its own there', async () => {
      const config = await world.plugin.config.parseAsync(world.config)
      const advice = world.plugin.minimumPolicy?.(config)
      if (!advice) return
      expect(advice.document).not.toBe('')
      expect(advice.commands.length).toBeGreaterThan(0)
      const told = JSON.stringify(advice)
      expect(world.canaries.filter((canary) => told.includes(canary))).toEqual([])
    })

    it('finds a sign that it left, and no other', async () => {
      const { plugin } = world
      if (!plugin.leaveSign || !plugin.findsSign) return
      const sign = await plugin.leaveSign(client, AbortSignal.timeout(30_000))
      expect(await plugin.findsSign(client, sign, AbortSignal.timeout(30_000))).toBe(true)
      expect(await plugin.findsSign(client, `${sign}x`, AbortSignal.timeout(30_000))).toBe(false)
    })

    it('allows only deliveries, actions and ways of its secrets that it has', async () => {
      const { plugin } = world
      const config = await plugin.config.parseAsync(world.config)
      const names = plugin.actions.map(({ name }) => name)
      expect(new Set(names).size).toBe(names.length)
      expect((plugin.allowedActions?.(config) ?? []).filter((name) => !names.includes(name))).toEqual([])
      const ways = plugin.grantAccess?.deliveries.map(({ name }) => name) ?? []
      expect((plugin.allowedDeliveries?.(config) ?? []).filter((name) => !ways.includes(name))).toEqual([])
      expect(plugin.secretsGoTo.length).toBeGreaterThan(0)
    })

    it('lets nobody in by provisioning alone, and lets in the one who opens, by each delivery it allows', async () => {
      for (const delivery of await deliveries()) {
        const given = await give(120)
        const [first, second] = [await open(given, delivery), await open(given, delivery)]
        expect(await world.getsIn(second), delivery).toBe(true)
        expect(await world.getsIn(first), `${delivery}: a second opening cuts the first`).toBe(false)
        expect(second.endsAt.getTime()).toBeLessThanOrEqual(given.ctx.until!.getTime())
        await takeBack(given)
        expect(await world.getsIn(second), delivery).toBe(false)
      }
    })

    it('reads back that the access is there, and whether a credential was collected', async () => {
      for (const delivery of await deliveries()) {
        const given = await give(120)
        const pieces = (await access().verify?.(given.ctx, given.steps)) ?? []
        expect(pieces.filter(({ holds }) => !holds)).toEqual([])
        const credential = await open(given, delivery)
        const looks = [await access().inspect(given.ctx, credential.trace)]
        await world.getsIn(credential)
        looks.push(await access().inspect(given.ctx, credential.trace))
        await takeBack(given)
        looks.push(await access().inspect(given.ctx, credential.trace))
        const [before, after, atLast] = looks
        expect(['waiting', 'unknown'], delivery).toContain(before)
        expect(['collected', 'unknown'], delivery).toContain(after)
        expect(['ended', 'collected', 'unknown'], delivery).toContain(atLast)
      }
    })

    it('takes the power away with the first step back', async () => {
      const [delivery = ''] = await deliveries()
      const given = await give(120)
      const credential = await open(given, delivery)
      await access().rollback(given.ctx, given.steps.at(-1)!, given.steps.at(-1)!.record)
      expect(await world.getsIn(credential)).toBe(false)
      await takeBack(given)
      expect(await open(given, delivery).then(world.getsIn, () => false)).toBe(false)
    })

    it('takes one grant back and leaves its neighbour’s alone', async () => {
      const [delivery = ''] = await deliveries()
      const [mine, theirs] = [await give(120), await give(120)]
      const credential = await open(theirs, delivery)
      await takeBack(mine)
      expect(await world.getsIn(credential)).toBe(true)
      const pieces = (await access().verify?.(theirs.ctx, theirs.steps)) ?? []
      expect(pieces.filter(({ holds }) => !holds)).toEqual([])
      await takeBack(theirs)
      expect(await world.getsIn(credential)).toBe(false)
    })

    it('moves the end when it is told to, and says who guarantees it', async () => {
      const given = await give(60)
      const until = new Date(given.ctx.until!.getTime() + 600_000)
      const longer = { ...given.ctx, until, msLeft: () => until.getTime() - Date.now() }
      await access().extend(longer, given.steps)
      const [delivery = ''] = await deliveries()
      const credential = await access().open(longer, given.steps, delivery)
      expect(credential.endsAt.getTime()).toBeGreaterThan(given.ctx.until!.getTime())
      expect(credential.endsAt.getTime()).toBeLessThanOrEqual(until.getTime())
      expect(['server', 'broker']).toContain(access().expiryGuarantee(client, delivery))
      await takeBack(given)
    })

    it('finds by its mark what a run left, and removes it', async () => {
      const { plugin } = world
      if (!plugin.marked) return
      const given = await give(120)
      const [delivery = ''] = await deliveries()
      const credential = await open(given, delivery)
      const ofOurs = (await marked()).filter(({ runId }) => runId === given.ctx.runId)
      expect(ofOurs.length).toBeGreaterThan(0)
      expect(ofOurs.map(({ instance }) => instance)).toEqual(ofOurs.map(() => given.ctx.instance))
      for (const piece of ofOurs) await piece.remove()
      for (const piece of ofOurs) await piece.remove() // as after a crash
      expect(await world.getsIn(credential)).toBe(false)
      expect((await marked()).filter(({ runId }) => runId === given.ctx.runId)).toEqual([])
    })

    it('acts for no run that is another process’s by now', async () => {
      const given = await give(120)
      const lost = new BrokerError('run.fenced', 'another process acts for the run')
      const ctx = {
        ...given.ctx,
        stillMine: () => {
          throw lost
        },
      }
      const [delivery = ''] = await deliveries()
      await expect(access().open(ctx, given.steps, delivery)).rejects.toMatchObject({ code: 'run.fenced' })
      await expect(access().rollback(ctx, given.steps.at(-1)!, undefined)).rejects.toMatchObject({ code: 'run.fenced' })
      await expect(access().extend(ctx, given.steps)).rejects.toMatchObject({ code: 'run.fenced' })
      for (const step of given.steps) await expect(access().execute(ctx, step)).rejects.toMatchObject({ code: 'run.fenced' })
      await takeBack(given)
    })

    function access() {
      if (!world.plugin.grantAccess) throw new TypeError('this plugin gives no access')
      return world.plugin.grantAccess
    }

    async function deliveries(): Promise<readonly string[]> {
      const config = await world.plugin.config.parseAsync(world.config)
      return world.plugin.allowedDeliveries?.(config) ?? access().deliveries.map((kind) => kind.name)
    }

    async function give(seconds: number): Promise<Given<Client>> {
      const ctx = world.newRun(client, seconds)
      const steps = JSON.parse(JSON.stringify(await access().plan(ctx, world.input))) as Step[]
      const done: Journaled<Step>[] = []
      for (const step of steps) done.push({ ...step, record: (await access().execute(ctx, step)).record })
      return { ctx, steps: done }
    }

    const open = ({ ctx, steps }: Given<Client>, delivery: string) => access().open(ctx, steps, delivery)

    async function takeBack({ ctx, steps }: Given<Client>): Promise<void> {
      for (const step of steps.toReversed()) await access().rollback(ctx, step, step.record)
      const left = (await access().verifyGone?.(ctx, steps)) ?? []
      expect(left.filter(({ holds, mayStay }) => !holds && mayStay === undefined)).toEqual([])
    }

    async function marked(): Promise<Marked[]> {
      const found: Marked[] = []
      for await (const one of world.plugin.marked?.(client, AbortSignal.timeout(30_000)) ?? []) found.push(one)
      return found
    }
  })
}
