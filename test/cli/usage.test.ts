import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type Pasted, paste } from '../support/paste.ts'
import { ALL_KV, ALL_TRANSIT, type PersonInWorld, startWorld, type World } from '../support/world.ts'

interface Shown {
  readonly variables: Record<string, string>
  readonly prepare: string[]
  readonly usage: string[]
}

/** What stands behind the words of each comment. */
const commented = (usage: readonly string[]) =>
  new Map(
    usage.filter((line) => line.startsWith('# ')).map((line) => /^# (.+?): (.+)$/.exec(line)?.slice(1, 3) as [string, string]),
  )

describe.each(await serversUnderTest())('what is shown to paste, on $product $version,', (binary) => {
  let vault: VaultServer
  let world: World
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault, { settings: { deliveries: ['token', 'password'] } })
  }, 120_000)
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  const opened = async (who: PersonInWorld, ask: Parameters<World['grant']>[1]): Promise<Shown> => {
    const grantId = await world.grant(who, ask)
    const { fields, prepare, usage } = await who.api.must(who.api.post(`/api/grants/${grantId}/open`))
    return {
      variables: Object.fromEntries(fields.map((one: { name: string; value: string }) => [one.name, one.value])),
      prepare,
      usage,
    }
  }
  const values = (shown: Shown) =>
    Object.entries(shown.variables).flatMap(([name, value]) => (/token|password/.test(name) ? [value] : []))
  const expectNoSecretIn = ({ commands }: Pasted, ...secrets: string[]) => {
    expect(commands.length).toBeGreaterThan(0)
    for (const secret of [...secrets, 'hvs.', 'sbs.', 's.'])
      expect(commands.filter((line) => line.includes(` ${secret}`))).toEqual([])
    for (const secret of secrets) expect(commands.filter((line) => line.includes(secret))).toEqual([])
  }

  it.each(['token', 'password'])(
    'reads what was lent, pasted whole, whatever yesterday left in the home: %s',
    async (delivery) => {
      const flow = await world.flow({ delivery })
      const shown = await opened(world.alice, { flowId: flow.id, permissions: ['read', 'list', 'metadata'] })
      const result = await paste(binary, shown.variables, [...shown.prepare, ...shown.usage])
      expect(result.printed).toContain('orange')
      expect(result.printed).toMatch(/^cache$/m)
      expectNoSecretIn(result, ...values(shown))
    },
  )

  it('has a line for each thing that may be done to a secret, and each works', async () => {
    const shown = await opened(world.alice, { permissions: ALL_KV })
    const lines = commented(shown.usage)
    const sent = [
      ...shown.prepare,
      lines.get('to write a version, given as {"data":{…}} in a file')!,
      shown.usage.find((line) => line.includes(' read kv/data/'))!,
      lines.get('to delete the newest version')!,
      lines.get('to delete other versions')!,
    ]
    const result = await paste(binary, shown.variables, sent, { 'secret.json': '{"data": {"password": "pomelo"}}' })
    expect(result.printed).toContain('pomelo')
    const { body } = await vault.api('GET', 'kv/metadata/app/db')
    expect(Object.values<{ deletion_time: string }>(body.data.versions).map(({ deletion_time: at }) => at !== '')).toEqual([
      true,
      true,
    ])
    expectNoSecretIn(result, ...values(shown))
  })

  it('has a line for each thing that may be done with a key, and each works', async () => {
    const of = async (name: string) => opened(world.alice, { name, type: 'vault-transit-key', permissions: permissionsOf(name) })
    const permissionsOf = (name: string) =>
      ALL_TRANSIT.filter((one) => (name === 'transit/orders' ? !/sign|verify/.test(one) : /sign|verify|hmac|read/.test(one)))
    const orders = await of('transit/orders')
    const lines = commented(orders.usage)
    const field = (command: string, name: string) => command.replace(/ write /, ` write -field=${name} `)
    const result = await paste(binary, orders.variables, [
      ...orders.prepare,
      `ciphertext="$(${field(lines.get('to encrypt')!, 'ciphertext')})"`,
      `ciphertext="$(${field(lines.get('to rewrap')!, 'ciphertext')})"`,
      `${field(lines.get('to decrypt')!, 'plaintext')} | base64 -d`,
      lines.get('to compute an HMAC')!,
      ...orders.usage,
    ])
    expect(result.printed).toContain('hello')
    expect(result.printed).toMatch(/hmac\s+vault:v1:/)
    expect(result.printed).toContain('aes256-gcm96')
    expectNoSecretIn(result, ...values(orders))
    const invoices = await of('transit/invoices')
    const signing = commented(invoices.usage)
    const signed = await paste(binary, invoices.variables, [
      ...invoices.prepare,
      `signature="$(${field(signing.get('to sign')!, 'signature')})"`,
      field(signing.get('to verify')!, 'valid'),
    ])
    expect(signed.printed).toContain('true')
  })

  it('names a way without the server’s own command, which puts no token into the list of processes either', async () => {
    const shown = await opened(world.alice, {})
    const [, instead] = [...commented(shown.usage)].find(([words]) => words.startsWith('instead of'))!
    const result = await paste(binary, shown.variables, [...shown.prepare.filter((line) => !line.includes('unwrap')), instead])
    expect(JSON.parse(result.printed).auth.client_token).toBeTruthy()
    expectNoSecretIn(result, ...values(shown))
  })
})
