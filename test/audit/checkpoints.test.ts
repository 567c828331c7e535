import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CheckpointSigner } from '../../src/audit/checkpoint.ts'
import { run } from '../../src/cli/main.ts'
import { Sealer } from '../../src/platform/sealing/sealing.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { type FreshDatabase, freshDatabase, within } from '../support/database.ts'

let broker: Broker
let database: FreshDatabase
let folder: string
let file: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lk-checkpoints-'))
  file = path.join(folder, 'checkpoints.jsonl')
  await writeFile(file, '{"checkpoint":{"a line that a crash broke o')
  database = await freshDatabase()
  broker = await startBroker({ database, config: { checkpointFile: file, checkpointSeconds: 0.05, logLevel: 'info' } })
  env = { DATABASE_URL: database.url, LATCHKEY_KEY: broker.key.toString('base64') }
})
afterAll(async () => {
  await broker.close()
  await database.drop()
  await rm(folder, { recursive: true })
})

const lines = async () => (await readFile(file, 'utf8')).split('\n').filter((line) => line.endsWith('}}'))
const happens = (name: string) => broker.admin.must(broker.admin.post('/api/users', { name, roles: ['member'] }))

async function verify(words: string[], environment = env) {
  const printed: string[] = []
  const told: string[] = []
  const terminal = {
    env: environment,
    print: (line: string) => void printed.push(line),
    tell: (line: string) => void told.push(line),
  }
  const code = await run(['audit', 'verify', ...words], terminal)
  return { code, said: [...printed, ...told].join('\n') }
}

/** Waits until the present end of the trail has been said. */
async function said(): Promise<void> {
  const [head] = await broker.database.query<{ seq: string }>('select seq::text from audit_head')
  await vi.waitFor(async () => expect((await lines()).at(-1)).toContain(`"seq":${head!.seq},`), 10_000)
}

describe('the head of the audit trail', () => {
  it('is said outside the database, signed, and the trail is held against it', async () => {
    await happens('Ann')
    await said()
    await happens('Ben')
    await said()
    expect((await lines()).length).toBeGreaterThan(1)
    const whole = path.join(folder, 'whole.jsonl')
    await writeFile(whole, (await lines()).join('\n'))
    expect(await verify(['--checkpoint', whole])).toMatchObject({ code: 0, said: expect.stringContaining('The trail is whole') })
    const log = path.join(folder, 'log.jsonl')
    await writeFile(log, broker.log.join(''))
    expect(await verify(['--checkpoint', log])).toMatchObject({ code: 0 })
  })

  it('is verified by who has the public key alone, with an export and no database', async () => {
    const { text } = await broker.admin.get('/api/audit/export')
    const exported = path.join(folder, 'export.jsonl')
    await writeFile(exported, text)
    const whole = path.join(folder, 'whole.jsonl')
    const { publicKey } = new CheckpointSigner(new Sealer(broker.key).derive('audit checkpoints')[0]!)
    expect(broker.log.join('')).toContain(publicKey)
    const words = ['--file', exported, '--checkpoint', whole, '--public-key', publicKey]
    expect(await verify(words, {})).toMatchObject({ code: 0 })
    await writeFile(exported, `${text.trimEnd().split('\n').slice(0, -3).join('\n')}\n`)
    const cut = await verify(words, {})
    expect(cut.code).toBe(1)
    expect(cut.said).toContain('the head that was noted is not there')
  })

  it('shows that the end was cut off by who owns the database, which nothing else shows', async () => {
    const whole = path.join(folder, 'whole.jsonl')
    await within(database.url, async (client) => {
      await client.query('set session_replication_role = replica') // no trigger stands in the way of an owner
      await client.query('delete from audit_chain where seq > 2')
      await client.query('delete from audit_events e where not exists (select from audit_chain c where c.event_id = e.id)')
      await client.query('update audit_head set (seq, hash) = (select seq, hash from audit_chain where seq = 2)')
    })
    expect(await verify([])).toMatchObject({ code: 0, said: expect.stringContaining('The trail is whole: 2 events') })
    const { code, said: words } = await verify(['--checkpoint', whole])
    expect(code).toBe(1)
    expect(words).toContain('the head that was noted is not there')
  })

  it('counts only with a signature of this installation that fits', async () => {
    const forged = path.join(folder, 'forged.jsonl')
    const [line] = await lines()
    await writeFile(forged, line!.replace(/"seq":\d+/, '"seq":1'))
    await appendFile(forged, '\n')
    await appendFile(
      forged,
      new CheckpointSigner(randomBytes(32)).lineOf({ instance: '1234567890', seq: 1, hash: 'a'.repeat(64), at: 'now' }),
    )
    const { code, said: words } = await verify(['--checkpoint', forged])
    expect(code).toBe(1)
    expect(words).toContain('line 1 of')
    expect(words).toContain('a signature that does not fit')
    expect(words).toContain('which is not the installation’s key')
  })
})
