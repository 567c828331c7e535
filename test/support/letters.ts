import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { makeCertificate } from '../../dev/vault/vault-certificate.ts'
import { startVaultServer } from '../../dev/vault/vault-server.ts'
import { Secret } from '../../src/sdk/index.ts'
import { decodedHeader, type Letter, type PostOffice, startPostOffice } from './smtp.ts'
import { type PersonInWorld, startWorld, type World } from './world.ts'

const PASSWORD = 'canary-of-the-mail-server'
const FROM = { name: 'Latchkey', address: 'latchkey@broker.example' }

/** A broker that writes to people over TLS, with a password. */
export interface LettersWorld {
  readonly office: PostOffice
  readonly world: World
  readonly alice: PersonInWorld
  readonly bob: PersonInWorld
  close(): Promise<void>
}

async function startLetters(): Promise<LettersWorld> {
  const [binary] = await serversUnderTest()
  const folder = await mkdtemp(path.join(tmpdir(), 'lk-mail-'))
  const ca = await makeCertificate(binary!, folder)
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ca])
  const [cert, key] = await Promise.all(
    ['vault-cert.pem', 'vault-key.pem'].map((name) => readFile(path.join(folder, name), 'utf8')),
  )
  const office = await startPostOffice({ tls: { cert: cert!, key: key! }, login: { user: 'broker', password: PASSWORD } })
  const vault = await startVaultServer({ binary: binary! })
  const world = await startWorld(vault, {
    config: {
      development: true,
      publicUrl: 'https://latchkey.example',
      smtp: {
        host: '127.0.0.1',
        port: office.port,
        secure: false,
        login: { user: 'broker', password: new Secret(PASSWORD) },
        from: FROM,
      },
    },
  })
  const { alice, bob } = world
  const letters: LettersWorld = {
    office,
    world,
    alice,
    bob,
    async close() {
      await world.close()
      await vault.stop()
      await office.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
  const { addressed } = lettersIn(() => letters)
  await addressed(alice, 'alice@people.example')
  await addressed(bob, 'bob@people.example')
  return letters
}

/**
 * Starts such a world for the tests of a file, and empties the office before each of them. `into` puts it where they find it; the answer is
 * what they do there.
 */
export function lettersHere(into: (letters: LettersWorld) => void) {
  let letters: LettersWorld
  beforeAll(async () => {
    letters = await startLetters()
    into(letters)
  })
  afterAll(() => letters?.close())
  beforeEach(() => {
    letters.office.refuse = () => undefined
    letters.office.refuseLetter = () => undefined
    letters.office.letters.length = 0
  })
  return lettersIn(() => letters)
}

/** What stories of letters do, in a world that is there once they begin. */
export function lettersIn(there: () => LettersWorld) {
  const admin = () => there().world.broker.admin
  const addressed = (who: PersonInWorld, email: string) => admin().must(admin().patch(`/api/users/${who.id}`, { email }))
  const flowFor = (approvers: readonly PersonInWorld[], more: object = {}) =>
    there().world.flow({ approval: { kind: 'approvers', users: approvers.map((who) => who.id), groups: [], needed: 1 }, ...more })
  const decide = (who: PersonInWorld, id: string, decision: object) =>
    who.api.must(who.api.post(`/api/access-requests/${id}/approvals`, decision))
  const subjects = (letters: readonly Letter[]) => letters.map((letter) => decodedHeader(letter.headers.get('subject') ?? ''))
  const to = (address: string, about = '') =>
    there().office.letters.filter((letter) => letter.to.includes(address) && letter.plain.includes(about))
  const told = async (address: string, subject: string): Promise<Letter> => {
    await expect.poll(() => subjects(to(address))).toContain(subject)
    return to(address).find((letter) => subjects([letter])[0] === subject)!
  }
  const deliveriesOf = async (subject: string) =>
    (await admin().must(admin().get(`/api/notifications/deliveries?subject=${subject}`))).items
  const turn = (kind = 'notification.email') =>
    there().world.broker.database.query(`update due_work set run_at = now() where kind = $1 and locked_by is null`, [kind])

  return { addressed, flowFor, decide, to, told, deliveriesOf, turn }
}
