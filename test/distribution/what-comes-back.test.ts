import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run as latchkey } from '../../src/cli/main.ts'
import { requestFor } from '../../src/distribution/certificates/signing-request.ts'
import { startBroker } from '../support/broker.ts'
import { type SourceWorld, sourcesAround } from '../support/certificate-sources.ts'
import { makeChain } from '../support/certificates.ts'
import { distributionWorld } from '../support/distribution-world.ts'

const LONG_AGO = { notBefore: new Date('2025-01-01T00:00:00Z'), notAfter: new Date('2025-06-01T00:00:00Z') }

describe.each(await serversUnderTest())('What would come back at $product', { timeout: 60_000 }, (binary) => {
  let world: SourceWorld

  beforeAll(async () => {
    world = await sourcesAround(await distributionWorld(binary))
  }, 120_000)
  afterAll(() => world?.stop())

  const admin = () => world.admin
  const get = (path: string) => admin().must(admin().get(path))
  const sent = async (cn: string, target: string): Promise<string> => {
    const id = await world.distribute(await world.certificate(makeChain({ cn, domains: [cn] })), [target])
    await distributed(id)
    return id
  }
  const distributed = (id: string) =>
    waitFor('it to be everywhere', async () => {
      const now = await get(`/api/distributions/${id}`)
      return now.state === 'done' && now
    })
  const warningsOf = async (id: string) => {
    const [{ runId }] = (await get(`/api/distributions/${id}`)).targets
    const [ofRun, ofAll] = [await get(`/api/runs/${runId}/rollback`), await get(`/api/distributions/${id}/rollback`)]
    expect(ofRun.warnings).toEqual(ofAll.items[0].warnings)
    return { runId: runId as string, warnings: ofRun.warnings as string[], possible: ofRun.possible as boolean }
  }
  const cli = async (...words: string[]) => {
    const [printed, told]: [string[], string[]] = [[], []]
    const env = { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: world.broker.adminToken }
    const code = await latchkey(words, { env, print: (line) => printed.push(line), tell: (line) => told.push(line) })
    return { code, printed: printed.join('\n'), told: told.join('\n') }
  }

  it('is warned of where it has expired, to who looks and to who says it, and comes back all the same', async () => {
    const cn = 'expired.example.com'
    const old = { certificate: makeChain({ cn, domains: [cn], ...LONG_AGO }).leaf.pem }
    await world.server.api('POST', `secret/data/certs/back/${cn}`, { data: old })
    const target = await world.target('expired', { path: 'certs/back/{{ .cn }}' })
    const id = await sent(cn, target)
    const { runId, warnings, possible } = await warningsOf(id)
    expect(possible).toBe(true)
    expect(warnings).toEqual([expect.stringMatching(/expired\.example\.com.*has expired, at 2025-06-01T00:00:00/)])
    expect((await cli('rollback', runId, '--plan')).printed).toContain(`Mind: ${warnings[0]}`)
    expect((await cli('distributions', id, '--roll-back', '--plan')).printed).toContain(`Mind: ${warnings[0]}`)

    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { fourEyes: true } })
    for (const path of [`runs/${runId}`, `distributions/${id}`]) {
      const held = await careful.admin.post(`/api/${path}/rollback`, { reason: 'the new one does not work' })
      expect(held, held.text).toMatchObject({
        status: 202,
        body: { summary: { warnings: [expect.stringContaining('has expired')] } },
      })
    }
    await careful.close()

    const back = await cli('distributions', id, '--roll-back', '--reason', 'the new one does not work')
    expect(back.told).toContain(`Mind: expired: ${warnings[0]}`)
    expect(back.code, back.told).toBe(0)
    expect((await world.server.api('GET', `secret/data/certs/back/${cn}`)).body.data.data).toEqual(old)
  })

  it('is warned of where the broker had it revoked since', async () => {
    const cn = 'revoked.example.com'
    const target = await world.target('revoked', { path: 'certs/back/{{ .cn }}' })
    const from = {
      kind: 'issued',
      integrationId: world.integrationId,
      wish: { mount: 'pki', role: 'web', commonName: cn, domains: [cn] },
    }
    const source = await world.source('revoked', from, { thenDistribute: { targetIds: [target] } })
    const { id: first } = await world.current(source)
    const { runId: issued, name } = await get(`/api/certificates/${first}`)
    const at = async () => (await world.server.api('GET', `secret/data/certs/back/${cn}`)).body?.data?.metadata?.version
    await waitFor('it to be there', async () => (await at()) === 1)
    await admin().must(admin().post(`/api/runs/${issued}/rollback`, { reason: 'the key got out' }))
    await waitFor('another one to be there', async () => (await at()) === 2)
    const last = await waitFor('it to be everywhere', async () => {
      const [latest] = (await get('/api/distributions')).items
      return latest.state === 'done' && latest.certificate.id !== first && latest
    })
    const { warnings, possible, runId } = await warningsOf(last.id)
    expect(possible).toBe(true)
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`${name}.*was revoked.*${issued} was rolled back`))])
    const back = await cli('rollback', runId, '--reason', 'all the same')
    expect(back.told).toContain(`Mind: ${warnings[0]}`)
  })

  /** A run that an admin ordered has it issued, for a key of their own. */
  const issued = async (cn: string) => {
    const { privateKey, request: csr } = await requestFor('rsa-2048', { commonName: cn, domains: [cn] })
    const order = {
      integrationId: world.integrationId,
      action: 'issue-certificate',
      input: { mount: 'pki', role: 'web', csr, commonName: cn, domains: [cn] },
      reason: 'for an appliance',
    }
    const { id: run } = await admin().must(admin().post('/api/runs', order))
    await waitFor('it to be issued', async () => (await get(`/api/runs/${run}`)).state === 'executed')
    const [{ artefact }] = (await get(`/api/runs/${run}/receipt`)).done.evidence
    const found = await world.server.api('GET', `pki/cert/${artefact.replace('certificate ', '')}`)
    const taken = async () => {
      await admin().must(admin().post(`/api/runs/${run}/rollback`, { reason: 'the key got out' }))
      await waitFor('it to be revoked', async () => (await get(`/api/runs/${run}`)).state === 'undone')
    }
    return { run: run as string, certificate: found.body.data.certificate as string, privateKey: privateKey.reveal(), taken }
  }
  const chain = async () => (await world.server.api('GET', 'pki/cert/ca')).body.data.certificate as string

  it('is warned of where it was added by hand, and the run that had it issued was rolled back since', async () => {
    const cn = 'by-hand.example.com'
    const { run, certificate, privateKey, taken } = await issued(cn)
    const target = await world.target('by hand', { path: 'certs/back/{{ .cn }}' })
    const body = { name: 'by hand', certificate, chain: await chain(), privateKey }
    const { id: first } = await admin().must(admin().post('/api/certificates', body))
    await distributed(await world.distribute(first, [target]))
    const { runId, warnings: before } = await (async () => {
      const name = `${cn} once more`
      const next = await world.certificate(makeChain({ cn, domains: [cn] }), { name })
      const id = await world.distribute(next, [target])
      await distributed(id)
      return { id, ...(await warningsOf(id)) }
    })()
    expect(before).toEqual([])
    await taken()
    const { warnings } = await get(`/api/runs/${runId}/rollback`)
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`by-hand\\.example\\.com.*was revoked.*${run} was rolled back`))])
    expect((await get(`/api/certificates/${first}`)).state).toBe('revoked')
    expect((await get('/api/certificates?limit=100')).items.find(({ id }: { id: string }) => id === first).state).toBe('revoked')
    const again = await admin().post('/api/distributions', { certificateId: first, targetIds: [target], reason: 'again' })
    expect(again.body, again.text).toMatchObject({
      status: 400,
      field: 'certificateId',
      message: expect.stringContaining('was revoked'),
      fix: expect.stringContaining(run),
    })
    expect((await cli('rollback', runId, '--plan')).printed).toContain(`Mind: ${warnings[0]}`)
  })

  it('is warned of where it never was the broker’s, and one of its runs had it issued and was rolled back', async () => {
    const cn = 'never-ours.example.com'
    const { run, certificate, taken } = await issued(cn)
    await world.server.api('POST', `secret/data/certs/back/${cn}`, { data: { certificate } })
    const target = await world.target('never ours', { path: 'certs/back/{{ .cn }}' })
    const id = await sent(cn, target)
    expect((await warningsOf(id)).warnings).toEqual([])
    await taken()
    expect((await warningsOf(id)).warnings).toEqual([expect.stringContaining(`${run} was rolled back`)])
  })

  it('is not warned of where it is well, and where nothing was there', async () => {
    const cn = 'well.example.com'
    const target = await world.target('well', { path: 'certs/back/{{ .cn }}' })
    expect((await warningsOf(await sent(cn, target))).warnings).toEqual([])
    const data = { certificate: makeChain({ cn, domains: [cn] }).leaf.pem }
    await world.server.api('POST', `secret/data/certs/back/${cn}`, { data })
    const name = `${cn} once more`
    const id = await world.certificate(makeChain({ cn, domains: [cn] }), { name })
    const again = await world.distribute(id, [target])
    await distributed(again)
    expect((await warningsOf(again)).warnings).toEqual([])
  })
})
