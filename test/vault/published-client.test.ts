import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { inspect, promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import * as client from '../../vault/index.ts'
import { prepared } from '../support/vault-broker.ts'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../..')
const readme = await readFile(path.join(root, 'vault/README.md'), 'utf8')

/** Another program, which has the package with its client in it and nothing else of the broker. */
async function otherProgram(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-client-'))
  const modules = path.join(folder, 'node_modules')
  const pack = path.join(modules, 'latchkey')
  await mkdir(pack, { recursive: true })
  await cp(path.join(root, 'package.json'), path.join(pack, 'package.json'))
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', 'tsconfig.vault.json', '--outDir', path.join(pack, 'dist')], { cwd: root })
  for (const name of ['undici', '@types']) await symlink(path.join(root, 'node_modules', name), path.join(modules, name))
  await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(path.join(folder, 'program.ts'), /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '')
  const options = ['--strict', '--noEmit', '--target', 'es2024', '--module', 'nodenext', '--types', 'node', 'program.ts']
  await run(process.execPath, [tsc, ...options], { cwd: folder })
  return folder
}

describe.each(await serversUnderTest())('the client of a $product $version, for other programs', (binary) => {
  let server: VaultServer
  let folder: string
  beforeAll(async () => {
    ;[server, folder] = await Promise.all([startVaultServer({ binary }), otherProgram()])
  })
  afterAll(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('compiles and runs the example of its page with nothing else of the broker', async () => {
    const { approle } = await prepared(server)
    const { stdout } = await run(process.execPath, ['program.ts'], {
      cwd: folder,
      env: { VAULT_ADDR: server.address, ROLE_ID: approle.roleId, SECRET_ID: approle.secretId },
    })
    expect(stdout).toBe('logged in with auth/approle/login\ndenied 403\n')
  })

  it('has no entrance but the one', async () => {
    await writeFile(path.join(folder, 'past.ts'), "await import('latchkey/dist/vault/session.js')")
    await expect(run(process.execPath, ['past.ts'], { cwd: folder })).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it('takes a secret of the program’s own, shows it to the server alone, and fails in its own words', async () => {
    const secret = { reveal: () => 'hvs.none-that-lives' }
    const vault = client.openVault({ address: server.address, login: client.tokenLogin(secret) })
    const failure = await vault.call({ method: 'GET', path: ['sys/host-info'] }).catch((error: unknown) => error)
    expect(client.isVaultError(failure, 'login_failed')).toBe(true)
    expect(inspect(failure, { depth: 9 })).not.toContain('none-that-lives')
    await vault.close()
    const closed = client.openVault({ address: server.address, login: client.tokenLogin(secret) })
    await closed.close()
    await expect(closed.call({ method: 'GET', path: ['sys/host-info'] })).rejects.toMatchObject({ kind: 'closed' })
  })
})

describe('what the client offers', () => {
  it('is this and no more', () => {
    expect(Object.keys(client).sort()).toEqual([
      'Masked',
      'NetworkFailure',
      'VAULT_ERRORS',
      'VaultError',
      'approleLogin',
      'certLogin',
      'isJwt',
      'isVaultError',
      'jwtLogin',
      'loginAt',
      'openVault',
      'tokenLogin',
      'unaskable',
      'untilAborted',
    ])
  })

  it('has every kind of error on its page, with its meaning', () => {
    const rows = [...readme.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, kind, meaning]) => [kind, meaning])
    expect(Object.fromEntries(rows)).toEqual(client.VAULT_ERRORS)
  })

  it('shows no secret of its own', () => {
    const secret = new client.Masked('hvs.clear')
    for (const shown of [inspect(secret), JSON.stringify({ secret }), `${secret}`, String(secret)])
      expect(shown).not.toContain('clear')
    expect(secret.reveal()).toBe('hvs.clear')
  })

  it('reads JSON as the broker does, word for word', async () => {
    const [own, sdk] = await Promise.all(
      ['vault/json.ts', 'src/sdk/json.ts'].map((file) => readFile(path.join(root, file), 'utf8')),
    )
    expect(own).toBe(sdk)
  })
})
