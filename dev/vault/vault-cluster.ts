import type { ChildProcess } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { BrokerError } from '../../src/sdk/errors.ts'
import { freePort } from './free-port.ts'
import { type VaultApi, vaultApi } from './vault-api.ts'
import type { Product, ServerBinary } from './vault-binary.ts'
import { makeCertificate } from './vault-certificate.ts'
import { addressOf, files, type ServerPlan } from './vault-config.ts'
import { initialise, type Keys } from './vault-initialise.ts'
import { complaints, endProcess, hasEnded, startProcess } from './vault-process.ts'
import { waitFor } from './vault-wait.ts'

export interface ClusterNode {
  readonly address: string
  /** as root */
  readonly api: VaultApi
  /** returns when the process has ended */
  kill(signal: NodeJS.Signals): Promise<void>
  /** returns when it is a node of the cluster again */
  start(): Promise<void>
}

/** Three servers of one raft cluster on loopback, spoken to by TLS alone. */
export interface VaultCluster {
  readonly product: Product
  readonly caPem: string
  readonly nodes: readonly ClusterNode[]
  /** the node that is active, once there is one */
  active(): Promise<ClusterNode>
  standbys(): Promise<ClusterNode[]>
  stop(): Promise<void>
}

export async function startVaultCluster(binary: ServerBinary): Promise<VaultCluster> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-cluster-'))
  const folders = ['node-1', 'node-2', 'node-3'].map((id) => path.join(folder, id))
  for (const each of folders) await mkdir(files(each).data, { recursive: true })
  const caPem = await makeCertificate(binary, folders[0]!)
  for (const each of folders.slice(1)) {
    for (const file of ['ca', 'certificate', 'privateKey'] as const) await copyFile(files(folders[0]!)[file], files(each)[file])
  }
  const running: ChildProcess[] = []
  let keys: Keys | undefined

  const node = async (at: string, joins?: string): Promise<ClusterNode> => {
    const launch = async (port: number) => {
      const id = path.basename(at)
      const plan: ServerPlan = {
        product: binary.product,
        mode: 'raft',
        folder: at,
        port,
        tls: true,
        audit: false,
        node: { id, joins },
      }
      const server = await startProcess(binary, plan, 'warn', folder)
      return server && { plan, server }
    }
    const first = await waitFor('a free port', async () => launch(await freePort()))
    let { server } = first
    running.push(server)
    const address = addressOf(first.plan)
    const api = vaultApi(address, caPem, () => keys?.rootToken)
    const join = () =>
      waitFor(`${address} to be of the cluster`, async () => {
        if (hasEnded(server)) throw new BrokerError('unavailable', `${address} ended: ${complaints(at)}`)
        await api('PUT', 'sys/unseal', { key: keys?.unsealKey }) // refused until it has heard from the others
        return [200, 429].includes((await api('GET', 'sys/health')).status)
      })
    keys ??= await initialise(api, files(at).keys)
    await join()
    return {
      address,
      api,
      kill: (signal) => endProcess(server, signal),
      async start() {
        server = (await waitFor('its port to be free again', () => launch(first.plan.port))).server
        running.push(server)
        await join()
      },
    }
  }

  const stop = async () => {
    await Promise.all(running.map((server) => endProcess(server, 'SIGKILL')))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const nodes = [await node(folders[0]!)]
    for (const each of folders.slice(1)) nodes.push(await node(each, nodes[0]!.address))
    const inState = async (status: number) => {
      const states = await Promise.all(nodes.map(({ api }) => api('GET', 'sys/health').catch(() => undefined)))
      return nodes.filter((_, i) => states[i]?.status === status)
    }
    await waitFor('all to vote', async () => {
      const { body } = await nodes[0]!.api('GET', 'sys/storage/raft/configuration')
      return body.data.config.servers.filter(({ voter }: { voter: boolean }) => voter).length === nodes.length
    })
    return {
      product: binary.product,
      caPem,
      nodes,
      active: () => waitFor('a node to be active', async () => (await inState(200))[0]),
      standbys: () => inState(429),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
