import { afterAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { type Fault, pass } from '../support/fault-proxy.ts'
import { awayAfterWrite, FAULTS } from '../support/faults.ts'
import { connectAnew, type Stage, setStage } from '../support/stage.ts'

const PATH = 'kv/data/app/db'
const CAPABILITIES = { capabilities: ['discovery', 'grants', 'rotate-secrets'] }
const FIRST = 3
/** When it has come to rest, however it went. */
const AT_REST = /^(executed|undone|failed|stuck)$/
const before = (version: number) => ({ username: 'app', password: `of version ${version}` })
/** What the new owner writes: each version is another. */
const theirs = (round: number, version: number) => ({ username: `the new owner, round ${round}`, password: `version ${version}` })

/** The secret as it is before each case: three versions, and no two alike. */
async function fresh({ vault }: Stage): Promise<void> {
  await vault.api('DELETE', 'kv/metadata/app/db')
  for (let version = 1; version <= FIRST; version += 1) await vault.api('POST', PATH, { data: before(version) })
}

async function order({ home: { admin }, world }: Stage): Promise<string> {
  const input = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }
  const body = { integrationId: world.integrationId, action: 'rotate-kv-secret', input, reason: 'a case' }
  return (await admin.must(admin.post('/api/runs', body))).id
}

const get = ({ home: { admin } }: Stage, id: string) => admin.must(admin.get(`/api/runs/${id}`))
const settled = (stage: Stage, id: string) =>
  waitFor('the run to be over', async () => {
    const run = await get(stage, id)
    return AT_REST.test(run.state) && run
  })
const executed = async (stage: Stage) => {
  const id = await order(stage)
  expect((await settled(stage, id)).state).toBe('executed')
  return id
}
const rollBack = ({ home: { admin } }: Stage, id: string) =>
  admin.must(admin.post(`/api/runs/${id}/rollback`, { reason: 'a case' }))
/** Refused, and said why. */
const refused = (stage: Stage, id: string) =>
  waitFor('the refusal', async () => {
    const run = await get(stage, id)
    return run.state === 'executed' && run.problem !== null && run
  })
const now = async ({ vault }: Stage) => (await vault.api('GET', PATH)).body.data

/** What befalls the calls for the secret: `2.0` is the second write from now on, and `2.1` the first read after it. */
function befalls({ proxy }: Stage, faults: Readonly<Record<string, Fault>>): void {
  let writes = 0
  let reads = 0
  proxy.always((call) => {
    if (call.path !== PATH) return pass(call)
    if (call.method === 'POST') [writes, reads] = [writes + 1, 0]
    else reads += 1
    return (faults[`${writes}.${reads}`] ?? pass)(call)
  })
}

/** Somebody purges it and makes it again up to the same version, in the instant before the call, which then has the fault. */
function madeAgain(stage: Stage, round: number, then: Fault = pass): Fault {
  return async (call) => {
    await makeAgain(stage, round)
    await then(call)
  }
}

async function makeAgain({ vault: { api } }: Stage, round: number): Promise<void> {
  const { current_version: versions } = (await api('GET', 'kv/metadata/app/db')).body.data
  await api('DELETE', 'kv/metadata/app/db')
  for (let version = 1; version <= versions; version += 1) await api('POST', PATH, { data: theirs(round, version) })
}

/** Something happens in the instant before the call. */
const rightBefore =
  (work: () => Promise<unknown>): Fault =>
  async (call) => {
    await work()
    await pass(call)
  }

const LOST = {
  'gets no answer': FAULTS['dropped before']!,
  'is answered 500': FAULTS['answered 500 after it was applied']!,
}

describe('A secret that somebody changes in the instant before a write', { timeout: 60_000 }, () => {
  let stage: Stage<Broker> | undefined
  const set = async () => {
    stage ??= await setStage(startBroker, CAPABILITIES)
    stage.proxy.always()
    await connectAnew(stage)
    await fresh(stage)
    return stage
  }
  afterAll(() => stage?.close())

  for (const [how, fault] of Object.entries(LOST)) {
    it(`is given back although the look after the rotation ${how}`, async () => {
      const stage = await set()
      befalls(stage, { '1.0': madeAgain(stage, 1), '1.1': fault })
      const run = await settled(stage, await order(stage))
      expect(await now(stage)).toMatchObject({ data: theirs(1, FIRST), metadata: { version: FIRST + 2 } })
      expect(run).toMatchObject({
        state: 'undone',
        problem: { code: 'target.conflict', message: expect.stringContaining('what they wrote was written again, as version 5') },
      })
    })

    it(`is given back although the look after the writing back ${how}`, async () => {
      const stage = await set()
      const id = await executed(stage)
      befalls(stage, { '1.0': madeAgain(stage, 1), '1.1': fault })
      await rollBack(stage, id)
      const run = await refused(stage, id)
      expect(await now(stage)).toMatchObject({ data: theirs(1, FIRST + 1), metadata: { version: FIRST + 3 } })
      expect(run.problem).toMatchObject({
        code: 'target.conflict',
        message: expect.stringContaining('what they wrote was written again, as version 6'),
      })
    })

    it(`is given back once although the look after that ${how}`, async () => {
      const stage = await set()
      befalls(stage, { '1.0': madeAgain(stage, 1), '2.1': fault })
      const run = await settled(stage, await order(stage))
      expect(await now(stage)).toMatchObject({ data: theirs(1, FIRST), metadata: { version: FIRST + 2 } })
      expect(run.problem.message).toContain('what they wrote was written again, as version 5')
    })
  }

  it('is given back although the answer to that is lost', async () => {
    const stage = await set()
    befalls(stage, { '1.0': madeAgain(stage, 1), '2.0': FAULTS['dropped after it was applied']! })
    const run = await settled(stage, await order(stage))
    expect(await now(stage)).toMatchObject({ data: theirs(1, FIRST), metadata: { version: FIRST + 2 } })
    expect(run.problem.message).toContain('what they wrote was written again, as version 5')
  })

  it('is given back when it is changed so again in the instant before it is given back, whatever is lost then', async () => {
    const stage = await set()
    befalls(stage, { '1.0': madeAgain(stage, 1), '2.0': madeAgain(stage, 2), '2.1': LOST['gets no answer'] })
    const run = await settled(stage, await order(stage))
    expect(await now(stage)).toMatchObject({ data: theirs(2, FIRST + 1), metadata: { version: FIRST + 3 } })
    expect(run.problem.message).toContain('what they wrote was written again, as version 6')
  })

  it('is given back when it is changed so again while a way back gives it back', async () => {
    const stage = await set()
    const id = await executed(stage)
    befalls(stage, { '1.0': madeAgain(stage, 1), '2.0': madeAgain(stage, 2) })
    await rollBack(stage, id)
    const run = await refused(stage, id)
    expect(await now(stage)).toMatchObject({ data: theirs(2, FIRST + 2), metadata: { version: FIRST + 4 } })
    expect(run.problem.message).toContain('what they wrote was written again, as version 7')
  })

  it('is given back when the look was never answered and the run is cancelled', async () => {
    const stage = await set()
    stage.proxy.always(awayAfterWrite(PATH, () => makeAgain(stage, 1)))
    const id = await order(stage)
    await waitFor('nobody to answer', async () => (await get(stage, id)).problem?.code === 'target.unreachable')
    await stage.home.admin.must(stage.home.admin.post(`/api/runs/${id}/cancel`))
    stage.proxy.always()
    expect(await settled(stage, id)).toMatchObject({ state: 'undone', problem: { code: 'run.cancelled' } })
    expect(await now(stage)).toMatchObject({ data: theirs(1, FIRST), metadata: { version: FIRST + 2 } })
  })

  it('is left to who wrote since, and the run says what was written over', async () => {
    const stage = await set()
    befalls(stage, {
      '1.0': madeAgain(stage, 1),
      '1.1': rightBefore(() => stage.vault.api('POST', PATH, { data: { username: 'a third hand' } })),
    })
    const run = await settled(stage, await order(stage))
    expect(await now(stage)).toMatchObject({ data: { username: 'a third hand' }, metadata: { version: FIRST + 2 } })
    expect(run).toMatchObject({
      state: 'failed',
      problem: {
        message: expect.stringContaining('their version 3 was written over and is not the one before the current one any more'),
        fix: expect.stringContaining('vault kv get -mount=kv -version=3 app/db'),
      },
    })
  })

  it('stays deleted when it was deleted in the instant before a rotation', async () => {
    const stage = await set()
    befalls(stage, { '1.0': rightBefore(() => stage.vault.api('DELETE', PATH)), '1.1': LOST['gets no answer'] })
    const run = await settled(stage, await order(stage))
    expect(await now(stage)).toMatchObject({ data: null, metadata: { version: FIRST + 1, destroyed: false } })
    expect(run).toMatchObject({
      state: 'undone',
      problem: {
        code: 'target.conflict',
        message: expect.stringContaining('somebody deleted version 3 of kv/app/db in the instant'),
      },
    })
  })

  it('stays deleted when it was deleted in the instant before a rotation was undone', async () => {
    const stage = await set()
    const id = await executed(stage)
    befalls(stage, { '1.0': rightBefore(() => stage.vault.api('DELETE', PATH)) })
    await rollBack(stage, id)
    const run = await refused(stage, id)
    expect(await now(stage)).toMatchObject({ data: null, metadata: { version: FIRST + 2, destroyed: false } })
    expect(run.problem.message).toContain('somebody deleted version 4 of kv/app/db in the instant')
  })

  it('holds the new value when the version before it was deleted after it was written', async () => {
    const stage = await set()
    befalls(stage, {
      '1.1': rightBefore(() => stage.vault.api('POST', 'kv/delete/app/db', { versions: [FIRST] })),
    })
    expect((await settled(stage, await order(stage))).state).toBe('executed')
    expect(await now(stage)).toMatchObject({ data: { username: 'app' }, metadata: { version: FIRST + 1 } })
  })

  it('is told of when its version was destroyed at the moment of a rotation, which nobody can tell from a moment later', async () => {
    const stage = await set()
    befalls(stage, {
      '1.0': rightBefore(() => stage.vault.api('POST', 'kv/destroy/app/db', { versions: [FIRST] })),
    })
    const run = await settled(stage, await order(stage))
    expect(run).toMatchObject({
      state: 'failed',
      problem: {
        message: expect.stringContaining('somebody destroyed version 3 of kv/app/db'),
        fix: expect.stringContaining('vault kv destroy -mount=kv -versions=4 app/db'),
      },
    })
    expect(await now(stage)).toMatchObject({ metadata: { version: FIRST + 1 } })
  })

  it('is told of when its version was deleted in the instant before, and the broker may not delete its own again', async () => {
    const stage = await set()
    const { policy } = (await stage.vault.api('GET', 'sys/policies/acl/latchkey-broker')).body.data
    const { path } = JSON.parse(policy)
    const less = Object.fromEntries(Object.entries(path).filter(([name]) => !name.includes('/delete/')))
    await stage.vault.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: JSON.stringify({ path: less }) })
    befalls(stage, {
      '1.0': rightBefore(() => stage.vault.api('DELETE', PATH)),
    })
    const run = await settled(stage, await order(stage))
    await stage.vault.api('PUT', 'sys/policies/acl/latchkey-broker', { policy })
    expect(run).toMatchObject({
      state: 'failed',
      problem: {
        message: expect.stringContaining('version 4 stands there, and the broker may not delete it'),
        fix: expect.stringContaining('vault kv delete -mount=kv -versions=4 app/db'),
      },
    })
    expect(await now(stage)).toMatchObject({ data: { username: 'app' }, metadata: { version: FIRST + 1 } })
  })

  it('says still how to save what it could not give back, when the undo was answered by something else first', async () => {
    const stage = await set()
    const full: Fault = async (call) => {
      const { current_version: versions } = (await stage.vault.api('GET', 'kv/metadata/app/db')).body.data
      await stage.vault.api('DELETE', 'kv/metadata/app/db')
      for (let version = 1; version <= versions; version += 1)
        await stage.vault.api('POST', PATH, { data: { serial: 2 ** 60, version } })
      await pass(call)
    }
    // Its undo begins with a read that nobody answers.
    befalls(stage, { '1.0': full, '1.3': LOST['gets no answer'] })
    const run = await settled(stage, await order(stage))
    expect(run).toMatchObject({
      state: 'failed',
      problem: {
        message: expect.stringContaining('their version 3 was written over and holds a number in serial'),
        fix: expect.stringContaining('vault kv get -mount=kv -version=3 app/db'),
      },
    })
  })
})
