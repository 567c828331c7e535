import { TOY_PASSWORD, ToyTarget } from '../support/toy-plugin.ts'
import type { Ground } from './ground.ts'
import { accountOf, SmallVault } from './small-vault.ts'
import { smallVaultPlugin } from './small-vault-plugin.ts'

const THING = 'room'

/** Small vaults, one for each story. */
export function smallGround(): Ground {
  const vaults = new Map<string, SmallVault>()
  const folders = new ToyTarget()
  folders.put(THING)
  return {
    plugins: (life) => [smallVaultPlugin(folders, vaults, life)],
    async begin() {
      const address = `vault-${vaults.size + 1}`
      const vault = new SmallVault()
      vaults.set(address, vault)
      return {
        integration: { plugin: 'toy', config: { address, login: { method: 'password', password: TOY_PASSWORD } } },
        resource: { type: 'toy-thing', name: THING, permission: 'play' },
        goAway() {
          vault.isDown = true
        },
        comeBack() {
          vault.isDown = false
        },
        fail(how, times) {
          vault.mishaps = Array.from({ length: times }, () => how)
        },
        turn: (ms) => vault.turn(ms),
        async receive(run, { value = '' }) {
          const isPassword = value.startsWith('password-')
          return {
            works: async () => (isPassword ? vault.lets(accountOf(run), value) : vault.opens(value, THING)),
          }
        },
        meddle: async (run, how) => vault.meddle(run, how),
        past: { keep: () => vault.keep(), putBack: () => vault.putBack() },
        missed: async () => vault.missed(),
        left: async (runs) => new Map(runs.map((run) => [run, vault.piecesOf(run)])),
        powers: async () => vault.powers(),
      }
    },
    close: async () => {},
  }
}
