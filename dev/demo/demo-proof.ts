import { audit } from '../../src/contract/endpoints/audit.ts'
import { grants } from '../../src/contract/endpoints/grants.ts'
import type { VaultServer } from '../vault/vault-server.ts'
import { whenOver } from './demo-journey.ts'
import type { Screen } from './demo-screen.ts'
import { auditedIds, brokersCalls, traces } from './demo-vault.ts'
import type { DemoWorld } from './demo-world.ts'

/** What the product says about itself, looked up in the server's own records. */
export async function evidence(screen: Screen, vault: VaultServer, world: DemoWorld, grantId: string): Promise<void> {
  screen.chapter('The revocation receipt, against Vault’s own audit file')
  const grant = await whenOver(world.alice.api, grantId)
  screen.proof('the grant has ended by its time', grant.endReason === 'expired', grant.state)
  const receipt = await world.alice.api.call(grants.receipt, { params: { id: grantId } })
  const audited = await auditedIds(vault)
  for (const { artefact, gone, observed, requestId } of receipt.evidence) {
    const isAudited = requestId !== null && audited.has(requestId)
    screen.proof(
      `gone: ${shortened(artefact)}`,
      gone && isAudited,
      `${observed.split(',')[0]} · ${requestId?.slice(0, 8)} ${isAudited ? '' : 'not '}in the audit file`,
    )
  }
  screen.proof(
    'that is policy, user, tokens and identity entity',
    receipt.evidence.length >= 4,
    `${receipt.evidence.length} pieces`,
  )
  const left = await traces(vault)
  screen.proof('nothing of Latchkey’s is left in Vault', left.length === 0, left.join(', ') || 'looked as root')
  const calls = await brokersCalls(vault)
  screen.proof(
    'to lend one, the broker never read the value of a secret',
    calls.values === 0 && calls.all > 0,
    `${calls.values} of ${calls.all} calls`,
  )
  const { ok, events } = await world.admin.call(audit.verify)
  screen.proof('Latchkey’s own audit chain is whole', ok && events > 0, `${events} links`)
}

export function setUp(screen: Screen, world: DemoWorld): void {
  const { policyPaths, health, discovery } = world
  screen.chapter('Set up by the product’s own instructions')
  screen.proof('Latchkey writes the Vault policy it needs', policyPaths > 0, `${policyPaths} paths`)
  const rights = health.checks.filter(({ name }) => name.startsWith('right ') || name.startsWith('excess'))
  screen.proof(
    'its doctor finds no right missing and none too many',
    health.healthy && rights.length > policyPaths && rights.every(({ status }) => status === 'ok'),
    'healthy',
  )
  screen.proof('it discovers secrets and keys by name and tag', discovery.state === 'completed', `${discovery.found} found`)
}

/** Ids are long; their beginning is enough to tell them apart here. */
function shortened(artefact: string): string {
  return artefact.replace(/\S{24,}/, (id) => `${id.slice(0, 16)}…`)
}
