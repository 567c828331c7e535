import { X509Certificate } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { makeChain } from './certificates.ts'
import type { DistributionWorld } from './distribution-world.ts'

let number = 0

/** Two certificates of one name, which go to one place, and what stands there. */
export async function renewedPair(world: DistributionWorld, variables?: { readonly older?: Record<string, string> }) {
  number += 1
  const cn = `n${number}.example.com`
  const [older, newer] = [1, 2].map(() => makeChain({ cn, domains: [cn] }))
  const stands = async (at: string) => {
    const { body } = await world.server.api('GET', `secret/data/${at}/${cn}`)
    const pem: string | undefined = body?.data?.data?.certificate
    const isOf = (made: typeof older) => new X509Certificate(made!.leaf.pem).raw.equals(new X509Certificate(pem!).raw)
    return {
      version: body?.data?.metadata?.version,
      is: !pem ? 'none' : isOf(older) ? 'older' : isOf(newer) ? 'newer' : 'other',
    }
  }
  return {
    older: await world.certificate(older!, variables?.older && { variables: variables.older }),
    newer: await world.certificate(newer!, { name: `${cn} renewed` }),
    stands,
  }
}

/** Its first target was tried so often that it is tried again only after seconds. */
export function isPatient(world: DistributionWorld, ordered: string) {
  return waitFor('it to be tried in vain a few times', async () => {
    const [{ runId }] = (await world.get(ordered)).targets
    const [work] = await world.broker.database.query('select attempts from due_work where subject = $1', [runId])
    return Number(work?.['attempts'] ?? 0) >= 4
  })
}

/** A target that never answers, and is waited for first. */
export async function silentTarget(world: DistributionWorld, name: string) {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  return { slow: await world.target(name, { address }, { skipTest: true }), close: () => silent.close() }
}

/** What came of a target once nothing of it is under way, although another one may be. */
export function cameOf(world: DistributionWorld, ordered: string, at: number) {
  return waitFor('the turn of that target to come', async () => {
    const now = (await world.get(ordered)).targets[at]
    return now.state !== 'queued' && now.state !== 'running' && now.state !== 'written' && now
  })
}
