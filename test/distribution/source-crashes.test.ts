import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type SourceWorld, sourcesAround } from '../support/certificate-sources.ts'
import { makeChain } from '../support/certificates.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { DEATHS } from '../support/deaths.ts'
import { worldAround } from '../support/distribution-world.ts'
import { type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'

describe('A certificate source whose daemon dies', () => {
  let world: SourceWorld<Daemon>
  let proxy: FaultProxy
  let number = 0

  beforeAll(async () => {
    const around = await worldAround(undefined, startDaemon)
    proxy = await startFaultProxy(around.server.address)
    world = await sourcesAround(around, proxy.url)
  })
  afterAll(async () => {
    await proxy?.close()
    await world?.stop()
  })

  /** At the first call of what begins that goes there. */
  const dieAt = async (there: string, moment: keyof typeof DEATHS, begin: () => Promise<unknown>) => {
    const struck = new Promise<void>((resolve, reject) => {
      proxy.always(async (call) => {
        if (!call.path.startsWith(there)) return pass(call)
        proxy.always()
        await DEATHS[moment]!(call, () => void world.broker.kill()).then(resolve, reject)
      })
    })
    const begun = begin().catch(() => undefined) // the daemon dies under it
    await struck
    await world.broker.kill()
    await begun
    await world.broker.start()
  }
  const sourceNamed = async (name: string) => {
    const { items } = await world.admin.must(world.admin.get('/api/certificate-sources'))
    return items.find((each: { name: string }) => each.name === name)
  }
  const rowsOf = async (id: string) => {
    const { database } = world.broker
    const [certificates, distributions] = await Promise.all([
      database.query('select id from certificates where source_id = $1', [id]),
      database.query('select id from distributions where source_id = $1', [id]),
    ])
    return { certificates: certificates.length, distributions: distributions.length }
  }
  const at = async (cn: string) => (await world.server.api('GET', `secret/data/certs/${cn}`)).body?.data
  const issuedFor = async (cn: string) => {
    const serials: string[] = (await world.server.api('GET', 'pki/certs?list=true')).body.data.keys
    const all = await Promise.all(serials.map(async (serial) => (await world.server.api('GET', `pki/cert/${serial}`)).body.data))
    return all.filter(({ certificate }) => new X509Certificate(certificate).subject === `CN=${cn}`).length
  }
  const fresh = async () => {
    number += 1
    const cn = `dies${number}.example.com`
    return { cn, target: await world.target(`target ${number}`, { path: 'certs/{{ .cn }}', address: proxy.url }) }
  }

  it.each<[string, string, keyof typeof DEATHS]>([
    ['before the signature is asked for', 'pki/sign/web', 'before'],
    ['while the answer is on its way', 'pki/sign/web', 'after-apply'],
    ['right after the signature', 'pki/sign/web', 'after-reply'],
    ['between the certificate and its distribution', 'secret/data/certs/', 'before'],
  ])('%s has one certificate issued, and one distribution of it', async (_, there, moment) => {
    const { cn, target } = await fresh()
    await dieAt(there, moment, () =>
      world.source(
        cn,
        {
          kind: 'issued',
          integrationId: world.integrationId,
          wish: { mount: 'pki', role: 'web', commonName: cn, domains: [cn] },
        },
        { thenDistribute: { targetIds: [target] } },
      ),
    )
    const { id } = await sourceNamed(cn)
    const { fingerprint } = await world.current(id)
    const there2 = await waitFor('it to be at its target', async () => (await at(cn))?.data)
    expect(new X509Certificate(there2.certificate).fingerprint256.replaceAll(':', '').toLowerCase()).toBe(fingerprint)
    expect(await rowsOf(id)).toEqual({ certificates: 1, distributions: 1 })
    expect(await issuedFor(cn)).toBe(1)
    expect((await at(cn)).metadata.version).toBe(1)
  })

  it('between a renewal and its distribution sends the newer one, once', async () => {
    const { cn, target } = await fresh()
    const put = async () => {
      const { leaf, chain } = makeChain({ cn, domains: [cn] })
      await world.server.api('POST', 'secret/data/source/chained', {
        data: { certificate: leaf.pem, private_key: leaf.keyPem, chain },
      })
      return leaf.pem
    }
    await put()
    const from = { kind: 'stored', integrationId: world.integrationId, place: { mount: 'secret', path: 'source/chained' } }
    const id = await world.source(cn, from, { thenDistribute: { targetIds: [target] } })
    await waitFor('the first to be there', async () => (await at(cn))?.data)
    const newer = await put()
    await dieAt('secret/data/certs/', 'before', () => world.renewed(id))
    await waitFor('the newer one to be there', async () => (await at(cn))?.data?.certificate === newer)
    expect(await rowsOf(id)).toEqual({ certificates: 2, distributions: 2 })
    expect((await at(cn)).metadata.version).toBe(2)
  })
})
