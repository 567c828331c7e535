import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { cacheFolder } from '../vault/vault-build.ts'
import { withBuildLock } from '../vault/vault-build-lock.ts'

const run = promisify(execFile)

export const KEYCLOAK_VERSION = '26.4.5'
const SHA256 = '72f73642a2c36de797d51b4b2b342d4a49f6e5832af10aa470cd123627bd80b3'
const FETCH = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
const ARTEFACT = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`

/** Why there is no Keycloak to be had here; undefined when there is. */
export async function whyNoKeycloak(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const java = await run('java', ['-version'], { env }).catch(() => undefined)
  const version = Number(/version "(\d+)/.exec(java?.stderr ?? '')?.[1] ?? 0)
  if (version < 17) return version === 0 ? 'there is no Java' : `Java ${version} is too old: 17 is needed`
  if (existsSync(keycloakFolder(env))) return undefined
  const tools = await Promise.all(['mvn', 'unzip'].map((tool) => run('which', [tool], { env }).catch(() => undefined)))
  return tools.includes(undefined) ? 'Maven and unzip are needed to fetch it' : undefined
}

/** Fetches the pinned Keycloak once, through Maven as it is set up here, and says where it is. */
export async function fetchKeycloak(report: (line: string) => void, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const folder = keycloakFolder(env)
  const parent = path.dirname(folder)
  await mkdir(parent, { recursive: true })
  await withBuildLock(
    path.join(parent, 'fetch.lock'),
    () => report('another process fetches Keycloak: waiting for it'),
    async () => {
      if (existsSync(folder)) return
      const work = await mkdtemp(path.join(parent, 'fetching-'))
      try {
        report(`fetching Keycloak ${KEYCLOAK_VERSION} with Maven, once: 160 MB`)
        await run('mvn', ['-q', '-B', FETCH, `-Dartifact=${ARTEFACT}`, `-DoutputDirectory=${work}`], { env, cwd: work })
        const zip = path.join(work, `keycloak-quarkus-dist-${KEYCLOAK_VERSION}.zip`)
        const hash = createHash('sha256')
        await pipeline(createReadStream(zip), hash)
        if (hash.digest('hex') !== SHA256) throw new Error(`${ARTEFACT} is not the archive that is pinned`)
        await run('unzip', ['-q', zip, '-d', work])
        await rename(path.join(work, `keycloak-${KEYCLOAK_VERSION}`), folder)
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    },
  )
  return folder
}

function keycloakFolder(env: NodeJS.ProcessEnv): string {
  return path.join(cacheFolder(env), 'keycloak', KEYCLOAK_VERSION)
}
