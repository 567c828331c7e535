import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import {
  type AnyPlugin,
  BrokerError,
  type Evidence,
  type GrantAccessAction,
  type GrantInput,
  type Marked,
  Secret,
} from '../../src/sdk/index.ts'
import { type ToyClient, type ToyTarget, toyPlugin } from '../support/toy-plugin.ts'
import { accountOf, ruleOf, type SmallVault } from './small-vault.ts'

/** A process as its target sees it: once it is dead no call of its arrives any more. */
export interface Life {
  isDead: boolean
}

/** The toy's plugin in front of small vaults, by address: the user first, what confers power last, and back the other way round. */
export function smallVaultPlugin(folders: ToyTarget, vaults: ReadonlyMap<string, SmallVault>, life: Life): AnyPlugin {
  const call = <Result>({ config }: ToyClient, effect: (vault: SmallVault) => Result) => {
    const vault = vaults.get(config.address)!
    return vault.call(life, () => effect(vault))
  }
  const remove = ({ config }: ToyClient, effect: (vault: SmallVault) => void) => {
    const vault = vaults.get(config.address)!
    return vault.remove(life, () => effect(vault))
  }
  const evidence = (artefact: string, isThere: boolean, holds: boolean): Evidence => ({
    artefact,
    holds,
    observed: isThere ? 'there' : 'gone',
    at: new Date().toISOString(),
  })

  const grantAccess: GrantAccessAction<ToyClient, GrantInput> = {
    name: 'grant-access',
    title: 'Let somebody in',
    input: z.custom<GrantInput>(),
    deliveries: [
      { name: 'token', title: 'Key', shows: 'wrapped' },
      { name: 'password', title: 'Password', shows: 'once' },
    ],
    plan: async ({ runId }, { resources }) => {
      const opens = resources.map((resource) => resource.name).join()
      return [
        { kind: 'account', target: accountOf(runId), summary: 'Makes a user.', args: { opens } },
        { kind: 'rule', target: ruleOf(runId), summary: 'Lets it in.', args: { opens }, confersPower: true },
      ]
    },
    execute: ({ client, runId: run, instance, until, stillMine }, { kind, target, args }) => {
      stillMine()
      return call(client, (vault) => {
        vault.note(run, `${kind} ${target}`)
        if (kind === 'account') vault.accounts.set(target, { run, instance })
        if (kind === 'rule') vault.rules.set(target, { run, instance, until: vault.at(until!), opens: opensOf(args) })
        return {}
      })
    },
    rollback: async ({ client, stillMine }, { kind, target }) => {
      stillMine()
      if (kind === 'rule') return remove(client, (vault) => void vault.rules.delete(target))
      await remove(client, (vault) => void vault.accounts.delete(target))
      stillMine()
      await remove(client, (vault) => vault.cutKeys(target))
      stillMine()
      await remove(client, (vault) => void vault.shadows.delete(target))
    },
    verify: (context, steps) =>
      call(context.client, (vault) =>
        steps.map(({ kind, target, args }) => {
          const rule = vault.rules.get(target)
          const isRight =
            kind === 'account'
              ? vault.accounts.has(target)
              : rule?.opens === opensOf(args) && rule.until === vault.at(context.until!)
          return evidence(`${kind} ${target}`, vault.accounts.has(target) || rule !== undefined, isRight)
        }),
      ),
    verifyGone: ({ client, runId }) =>
      call(client, (vault) => {
        const there = new Set(vault.piecesOf(runId))
        const all = [`rule ${ruleOf(runId)}`, ...['account', 'keys of', 'shadow'].map((kind) => `${kind} ${accountOf(runId)}`)]
        return all.map((piece) => evidence(piece, there.has(piece), !there.has(piece)))
      }),
    open: async ({ client, runId, until, stillMine }, _steps, delivery, { keepFormer } = { keepFormer: false }) => {
      const account = accountOf(runId)
      const value = delivery === 'token' ? '' : `password-${randomBytes(9).toString('hex')}`
      await call(client, (vault) => {
        const known = vault.accounts.get(account)
        if (!known) throw new BrokerError('target.not_found', `there is no ${account}`)
        if (delivery === 'password') known.password = value
      })
      stillMine()
      if (!keepFormer) await call(client, (vault) => vault.cutKeys(account))
      stillMine()
      const key = value || (await call(client, (vault) => vault.mint(account, vault.at(until!))))
      return {
        delivery,
        fields: [{ name: 'value', label: 'Value', value: new Secret(key) }],
        prepare: [],
        usage: [],
        endsAt: until!,
        trace: delivery === 'token' ? key : null,
      }
    },
    extend: ({ client, until, stillMine }, steps) => {
      stillMine()
      return call(client, (vault) => {
        for (const { target } of steps) {
          const rule = vault.rules.get(target)
          if (rule) vault.rules.set(target, { ...rule, until: vault.at(until!) })
        }
      })
    },
    inspect: ({ client }, trace) =>
      call(client, (vault) => (typeof trace === 'string' && vault.keys.has(trace) ? 'waiting' : 'ended')),
    expiryGuarantee: (_client, delivery) => (delivery === 'token' ? 'server' : 'broker'),
  }

  async function* marked(client: ToyClient): AsyncIterable<Marked> {
    const stamped = await call(client, (vault) => [
      ...[...vault.rules].map(([name, { run, instance }]) => ({ name, run, instance, kind: 'rule', right: ruleOf(run) })),
      ...[...vault.accounts].map(([name, { run, instance }]) => ({
        name,
        run,
        instance,
        kind: 'account',
        right: accountOf(run),
      })),
    ])
    for (const { name, run, instance, kind, right } of stamped) {
      const artefact = `${kind} ${name}`
      // A stamp can be copied, a name cannot.
      if (name !== right) yield { artefact, remove: async () => {} }
      if (name !== right) continue
      yield {
        artefact,
        runId: run,
        instance,
        remove: () =>
          call(client, (vault) => {
            if (kind === 'rule') vault.rules.delete(name)
            if (kind === 'account') vault.accounts.delete(name)
            if (kind === 'account') vault.cutKeys(name)
            if (kind === 'account') vault.shadows.delete(name)
          }),
      }
    }
  }

  return { ...toyPlugin(folders), grantAccess, marked } as unknown as AnyPlugin
}

const opensOf = (args: unknown) => (args as { opens: string }).opens
