import type { DistributionView } from '../../src/contract/distributions.ts'
import { certificates, targetCredentials, targets } from '../../src/contract/endpoints/distribution.ts'
import { distributions } from '../../src/contract/endpoints/distributions.ts'
import { authorityReady } from '../vault/vault-authority.ts'
import { expectOk } from '../vault/vault-initialise.ts'
import type { VaultServer } from '../vault/vault-server.ts'
import { waitFor } from '../vault/vault-wait.ts'
import type { DemoApi } from './demo-api.ts'
import { allow, type DemoPlace, type DemoPlaces, fingerprintOf, keptAt, loginAt, SHOP_NAME, writesAt } from './demo-places.ts'
import type { Screen } from './demo-screen.ts'
import type { DemoWorld } from './demo-world.ts'

/** A target, and the server that it is. */
interface Aim extends DemoPlace {
  readonly targetId: string
}

/** One certificate, as its authority issued it and as the broker keeps it. */
interface Issued {
  readonly id: string
  readonly fingerprint: string
}

/** From three empty servers to a certificate that stands on all of them, one being down meanwhile, and back. */
export async function certificate(screen: Screen, vault: VaultServer, { admin }: DemoWorld, places: DemoPlaces): Promise<void> {
  screen.chapter('A certificate to three servers, one of them down')
  const aims = await aimed(screen, admin, places)
  const [earlier, renewed] = await issued(vault, admin)
  const first = await settled(admin, await order(admin, earlier, aims, 'the first one'))
  await stands(screen, aims, first, earlier, 'the PKI’s certificate stands on all three, read back')

  const [down, up] = [aims.at(-1)!, aims.slice(0, -1)]
  await down.server.kill('SIGKILL')
  const id = await order(admin, renewed, aims, 'its successor')
  const meanwhile = await waitFor('the others to have it', async () => {
    const now = await admin.call(distributions.get, { params: { id } })
    screen.count(told(now))
    return now.counts.verified === up.length && now.targets.some(({ problem }) => problem !== null) && now
  })
  screen.proof(`with ${down.name} killed, the renewed one reaches two`, meanwhile.state === 'running', told(meanwhile))
  for (const { name, problem } of meanwhile.targets) if (problem) screen.note(`${name}: ${problem.message}`)
  await admin.call(distributions.cancel, { params: { id }, body: { reason: `not before ${down.name} is back` } })
  const partial = await settled(admin, id)
  const isTruthful = partial.state === 'partial' && partial.counts.verified === up.length && partial.counts.failed === 1
  screen.proof('an admin cancels the rest; the broker says who has it', isTruthful, told(partial))
  await stands(screen, up, partial, renewed, 'asked themselves, the two servers say the same')

  const before = await Promise.all(up.map(writesAt))
  await down.server.restart()
  const old = await keptAt(down)
  screen.proof(`${down.name} is back, with the earlier one`, old.fingerprint === earlier.fingerprint, `version ${old.version}`)
  await admin.call(distributions.resume, { params: { id }, body: { reason: `${down.name} is back` } })
  const whole = await settled(admin, id)
  await stands(screen, aims, whole, renewed, 'resumed, it goes there too: all three have it')
  const after = await Promise.all(up.map(writesAt))
  const isSilent = before.every((writes, at) => writes > 0 && writes === after[at])
  screen.proof('and nothing was sent again to the two', isSilent, 'by their audit files')
  await takenBack(screen, admin, aims, id, earlier)
}

async function takenBack(screen: Screen, admin: DemoApi, aims: readonly Aim[], id: string, earlier: Issued): Promise<void> {
  screen.chapter('An admin takes the certificate back')
  const outlook = await admin.call(distributions.rollbackPreview, { params: { id } })
  const isPossible = outlook.items.length === aims.length && outlook.items.every(({ possible }) => possible)
  screen.proof('each server is asked first whether there is a way back', isPossible, `${outlook.items.length} of ${aims.length}`)
  await admin.call(distributions.rollBack, { params: { id }, body: { reason: 'the shop’s clients do not trust it' } })
  const back = await settled(admin, id)
  screen.proof('the admin takes it', back.state === 'rolled_back', told(back))
  for (const aim of aims) {
    const { fingerprint, version } = await keptAt(aim)
    screen.proof(
      `on ${aim.name} the earlier one stands again`,
      fingerprint === earlier.fingerprint && version === 3,
      `version ${version}`,
    )
  }
}

/** Three targets; what the broker may do at each is what it asked for, and no more. */
async function aimed(screen: Screen, admin: DemoApi, places: DemoPlaces): Promise<Aim[]> {
  const aims = await Promise.all(
    places.all.map(async (place) => {
      const { address } = place.server
      const login = { method: 'approle', ...(await loginAt(place)) }
      const asked = { name: place.name, plugin: 'vault', login, destinations: [{ address }] }
      const { id: credentialId } = await admin.call(targetCredentials.create, { body: asked })
      const location = { address, path: 'certs/{{ .cn }}' }
      const body = { name: place.name, credentialId, location, skipTest: true } // it may do nothing yet
      const { id: targetId } = await admin.call(targets.create, { body })
      const { document } = await admin.call(targets.minimumPolicy, { params: { id: targetId } })
      await allow(place, document)
      return { ...place, targetId }
    }),
  )
  const checked = await Promise.all(aims.map(({ targetId }) => admin.call(targets.check, { params: { id: targetId } })))
  const isHealthy = checked.every(({ healthy }) => healthy)
  screen.proof('three more servers, each with the rights that the broker asked for', isHealthy, isHealthy ? 'healthy' : '')
  return aims
}

/** An earlier and a later certificate of the shop, by a PKI engine of the server itself. */
async function issued(vault: VaultServer, admin: DemoApi): Promise<[Issued, Issued]> {
  const role = { allowed_domains: [SHOP_NAME], allow_bare_domains: true, key_type: 'ec', key_bits: 256, ttl: '2160h' }
  await authorityReady(vault, { ttl: '87600h', roles: { shop: role } })
  const issue = async (name: string): Promise<Issued> => {
    const { data } = expectOk(await vault.api('POST', 'pki/issue/shop', { common_name: SHOP_NAME }), 'issue a certificate').body
    const body = { name, certificate: data.certificate, chain: data.issuing_ca, privateKey: data.private_key }
    const { id } = await admin.call(certificates.create, { body })
    return { id, fingerprint: fingerprintOf(data.certificate) }
  }
  return [await issue('shop'), await issue('shop, renewed')]
}

async function order(admin: DemoApi, { id }: Issued, aims: readonly Aim[], reason: string): Promise<string> {
  const body = { certificateId: id, targetIds: aims.map(({ targetId }) => targetId), reason }
  return (await admin.call(distributions.order, { body })).id
}

function settled(admin: DemoApi, id: string): Promise<DistributionView> {
  return waitFor('the distribution to settle', async () => {
    const now = await admin.call(distributions.get, { params: { id } })
    return now.state !== 'running' && now.finishedAt !== null && now
  })
}

/** The broker says so of each, and each server has it. */
async function stands(
  screen: Screen,
  aims: readonly Aim[],
  view: DistributionView,
  wanted: Issued,
  claim: string,
): Promise<void> {
  const kept = await Promise.all(aims.map(keptAt))
  const isSaid = aims.every(({ targetId }) => view.targets.find(({ id }) => id === targetId)?.state === 'verified')
  const isThere = kept.every(({ fingerprint }) => fingerprint === wanted.fingerprint)
  screen.proof(claim, isSaid && isThere, kept.map(({ version }) => `version ${version}`)[0])
}

/** `2 verified, 1 failed` */
function told({ counts }: DistributionView): string {
  return Object.entries(counts)
    .map(([state, count]) => `${count} ${state.replace('_', ' ')}`)
    .join(', ')
}
