import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { pinnedBaoVersion } from '../../dev/vault/openbao-fetch.ts'
import { house, topOf } from '../support/whole-house.ts'

const at = (file: string) => path.join(import.meta.dirname, '../..', file)

// biome-ignore lint/suspicious/noExplicitAny: a compose file; each test says what it expects of it
function readCompose(): any {
  const program = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))'
  try {
    return JSON.parse(execFileSync('python3', ['-c', program, at('docker-compose.yml')], { encoding: 'utf8', stdio: 'pipe' }))
  } catch (error) {
    if (/No module named 'yaml'|ENOENT/.test(String(error))) return undefined // nothing here that reads YAML
    throw error
  }
}
const compose = readCompose()

describe.skipIf(!compose)('docker-compose.yml', () => {
  it('publishes every port on the loopback address only', () => {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const ports: string[] = Object.values<any>(compose.services).flatMap((service) => service.ports ?? [])
    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  it('keeps the database where PostgreSQL 18 wants its volume, and the broker its state', () => {
    expect(compose.services.database.image).toBe('postgres:18')
    expect(compose.services.database.volumes).toEqual(['database:/var/lib/postgresql'])
    expect(compose.services.latchkey.volumes).toEqual(['state:/var/lib/latchkey'])
    expect(Object.keys(compose.volumes)).toEqual(['database', 'state'])
  })

  it('gives the broker only variables it knows, and starts it after its database', async () => {
    const { readConfig } = await import('../../src/config/read-config.ts')
    const { environment, depends_on: after } = compose.services.latchkey
    expect(readConfig({ LATCHKEY_HOST: '0.0.0.0', ...environment })).toMatchObject({
      database: { kind: 'external' },
      publicUrl: 'http://127.0.0.1:4460',
    })
    expect(after).toEqual({ database: { condition: 'service_healthy' } })
  })

  it('starts OpenBao, in the version that the tests run on, and Vault only when asked to', () => {
    const servers = Object.entries<{ image?: string; profiles?: string[] }>(compose.services).filter(([name]) =>
      /bao|vault/.test(name),
    )
    expect(servers.map(([name, { image, profiles }]) => [name, image, profiles])).toEqual([
      ['openbao', `openbao/openbao:${pinnedBaoVersion()}`, undefined],
      ['openbao-content', `openbao/openbao:${pinnedBaoVersion()}`, undefined],
      ['vault', 'hashicorp/vault:2.2', ['vault']],
      ['vault-content', 'hashicorp/vault:2.2', ['vault']],
    ])
  })

  it('has only services that go on running and say when they are ready, as `up --wait` wants them', () => {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const services = Object.entries<any>(compose.services)
    const silent = services.filter(([, service]) => !service.healthcheck).map(([name]) => name)
    expect(silent).toEqual(['latchkey']) // its image says so
    const ofOnes = services.filter(([, service]) => JSON.stringify(service.depends_on ?? {}).includes('completed'))
    expect(ofOnes.map(([name]) => name)).toEqual([])
  })

  it('fills both servers with the same, each through its own command line', () => {
    const { 'openbao-content': bao, 'vault-content': vault, latchkey } = compose.services
    expect(vault.command).toEqual(bao.command)
    expect([bao.environment.CLI, vault.environment.CLI]).toEqual(['bao', 'vault'])
    expect([Object.keys(bao.depends_on), Object.keys(vault.depends_on)]).toEqual([['openbao'], ['vault']])
    expect(JSON.stringify(latchkey.depends_on)).not.toContain('vault')
  })
})

const PRODUCTION = withWhatTheyImport(['src', 'plugins', 'migrations'])

/** And the folders at the root that these import from: the client of a plugin’s target. */
function withWhatTheyImport(folders: readonly string[]): readonly string[] {
  const found = new Set(folders)
  // What is added is visited as well.
  for (const folder of found) {
    for (const { from, to } of house.imports) if (topOf(from) === folder && /\w\/.*\.tsx?$/.test(to)) found.add(topOf(to))
  }
  return [...found]
}

describe('what production imports', () => {
  it('is built again when it changes, and is in the package and in the image', () => {
    expect(PRODUCTION).toContain('vault')
    expect(notBrought(PRODUCTION)).toEqual([])
    expect(notBrought(['keys'])).toEqual([
      "package.json: add 'dist/keys' to `files`",
      'Dockerfile: add the line COPY --from=build /app/dist/keys dist/keys',
      "scripts/build.mjs: add 'keys' to `sources`",
    ])
  })
})

/** What to do, so that people get these folders. */
function notBrought(folders: readonly string[]): string[] {
  const [dockerfile, build] = ['Dockerfile', 'scripts/build.mjs'].map((file) => readFileSync(at(file), 'utf8'))
  const { files } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { files: string[] }
  return folders.flatMap((folder) => {
    const line = `COPY --from=build /app/dist/${folder} dist/${folder}`
    return [
      ...(files.includes(`dist/${folder}`) ? [] : [`package.json: add 'dist/${folder}' to \`files\``]),
      ...(dockerfile!.split('\n').includes(line) ? [] : [`Dockerfile: add the line ${line}`]),
      ...(/^const sources = \[[^\]]*/m.exec(build!)?.[0].includes(`'${folder}',`)
        ? []
        : [`scripts/build.mjs: add '${folder}' to \`sources\``]),
    ]
  })
}

describe('the packages of production', () => {
  it('hold everything the daemon imports, and nothing of the demo’s identity provider', () => {
    const { dependencies } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
    const imported = PRODUCTION.flatMap((folder) =>
      readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => [
          ...readFileSync(at(`${folder}/${file}`), 'utf8').matchAll(
            /^(?:(?:import|export|\}) .*?from |import |.*\bimport\()'([^.'][^'\n]*)'/gm,
          ),
        ])
        .map(([, name = '']) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
        .filter((name) => !name.startsWith('node:')),
    )
    expect([...new Set(imported)].filter((name) => dependencies[name] === undefined)).toEqual([])
    expect(dependencies).not.toHaveProperty('oidc-provider')
  })
})

describe('the image', () => {
  const dockerfile = readFileSync(at('Dockerfile'), 'utf8')
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))

  it('runs as an ordinary user', () => {
    expect(last).toContain('\nUSER node\n')
  })

  it('brings every folder of the program', () => {
    const brought = [...last.matchAll(/--from=build \/app\/dist\/([\w-]+) /g)].map(([, folder]) => folder)
    expect(new Set(brought)).toEqual(new Set([...PRODUCTION, 'portal']))
  })

  it('says whether the broker lives', () => {
    expect(last).toMatch(/HEALTHCHECK[\s\S]*\/livez/)
  })

  it('brings no second Node, no PostgreSQL and nothing that only developers need', () => {
    const brought = Object.keys(JSON.parse(readFileSync(at('package.json'), 'utf8')).optionalDependencies)
    const removed = /rm -rf (.*)/.exec(dockerfile)?.[1]?.split(' ') ?? []
    const isRemoved = (name: string) => removed.some((place) => `node_modules/${name}/`.startsWith(place.replace(/\*$/, '')))
    expect(brought.filter((name) => !isRemoved(name))).toEqual([])
    expect(dockerfile).toContain('npm ci --omit=dev')
    expect(last).not.toMatch(/--from=build \/app\/(node_modules|dist\/dev|dist\/bench)?\b( |$)/)
  })
})

const NOT_OF_A_CHECKOUT = new Set(['.git', 'dist', 'node_modules'])

describe('the package', () => {
  it('holds what it exports and runs, made from a checkout that was never built, and neither tests nor what only a checkout needs', {
    timeout: 400_000,
  }, async () => {
    await using checkout = await mkdtempDisposable(path.join(tmpdir(), 'latchkey-checkout-'))
    for (const name of readdirSync(at('.')).filter((one) => !NOT_OF_A_CHECKOUT.has(one))) {
      cpSync(at(name), path.join(checkout.path, name), { recursive: true })
    }
    symlinkSync(at('node_modules'), path.join(checkout.path, 'node_modules'))
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: checkout.path, encoding: 'utf8' })
    const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }]
    const paths = files.map((file) => file.path)
    const { exports, bin } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
    const needed = [
      exports['./vault'].types,
      exports['./vault'].default,
      bin.latchkey,
      'dist/src/main.js',
      'dist/src/cli/main.js',
      'dist/portal/index.html',
    ]
    expect(paths).toEqual(expect.arrayContaining(needed.map((file: string) => path.normalize(file))))
    expect(paths.filter((file) => /^(dist\/)?(test|bench|dev|tools)\//.test(file))).toEqual([])
  })
})
