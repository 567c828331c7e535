import { afterAll, beforeAll } from 'vitest'
import type { ServerBinary } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type PersonInWorld, startWorld, type World } from '../support/world.ts'

interface Panel {
  readonly world: World
  readonly alice: PersonInWorld
  readonly bob: PersonInWorld
  readonly carol: PersonInWorld
}

export const people = (...who: PersonInWorld[]) => ({ kind: 'people', users: who.map((person) => person.id), groups: [] })

/**
 * Three people in front of a server, for the tests of a block. `into` puts them where they find them; the answer is how they have each other
 * asked in stages.
 */
export function panelHere(binary: ServerBinary, into: (panel: Panel) => void | Promise<void>) {
  let vault: VaultServer | undefined
  let world: World | undefined
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
    const { alice, bob } = world
    await into({ world, alice, bob, carol: await world.person('carol') })
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })
  return {
    admin: () => world!.broker.admin,
    staged: (stages: object[], more: Record<string, unknown> = {}) =>
      world!.flow({ approval: { kind: 'stages', stages }, ...more }),
  }
}
