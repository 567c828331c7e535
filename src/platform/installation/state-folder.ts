import { randomBytes, randomInt } from 'node:crypto'
import { access, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { type KeySource, parseKey } from '../../config/key-source.ts'
import { BrokerError } from '../../sdk/index.ts'

export interface StateFolder {
  readonly dir: string
  /** ten digits, the first not 0, that mark what this installation creates */
  readonly instance: string
  /** 32 bytes */
  readonly key: Buffer
  /** keys that open what they sealed; it comes under the present one */
  readonly formerKeys?: readonly Buffer[]
  /** keys that open what other replicas seal already */
  readonly nextKeys?: readonly Buffer[]
}

export interface StateFolderOptions {
  readonly instance?: string
  readonly key?: KeySource
  readonly formerKeys?: readonly KeySource[]
  readonly nextKeys?: readonly KeySource[]
}

/** What a daemon keeps beside its database. Made on the first start, the same ever after. */
export async function openStateFolder(dir: string, options: StateFolderOptions = {}): Promise<StateFolder> {
  // As root the embedded database runs as somebody else, who must walk through; nobody but root can list it or read its files.
  await mkdir(dir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  const key = await readKey(dir, options.key ?? { kind: 'own' })
  const instance = options.instance ?? (await createOnce(path.join(dir, 'instance'), newInstance))
  if (!/^[1-9][0-9]{9}$/.test(instance)) {
    throw new BrokerError('unavailable', `${path.join(dir, 'instance')} does not hold ten digits`, {
      fix: 'restore the ten digits, or set LATCHKEY_INSTANCE to them; they mark what the broker made in targets',
    })
  }
  const all = (sources: readonly KeySource[] = []) => Promise.all(sources.map((source) => readKey(dir, source)))
  return { dir, instance, key, formerKeys: await all(options.formerKeys), nextKeys: await all(options.nextKeys) }
}

/** The keys of an installation that is there, the one that seals first. Makes none. */
export function keysThere(dir: string, key: KeySource, others: readonly KeySource[]): Promise<Buffer[]> {
  const sources = [key.kind === 'own' ? ({ kind: 'file', path: path.join(dir, 'key') } as const) : key, ...others]
  return Promise.all(sources.map((source) => readKey(dir, source)))
}

async function readKey(dir: string, source: KeySource): Promise<Buffer> {
  switch (source.kind) {
    case 'value':
      return parsedKey(source.value.reveal(), 'LATCHKEY_KEY')
    case 'file':
      return readKeyFile(source.path)
    case 'own': {
      const file = path.join(dir, 'key')
      await createOnce(file, () => randomBytes(32).toString('base64'))
      return readKeyFile(file)
    }
  }
}

async function readKeyFile(file: string): Promise<Buffer> {
  const { mode } = await stat(file).catch((cause: unknown) => {
    throw new BrokerError('unavailable', `the key file ${file} cannot be read`, {
      cause,
      fix: `(umask 077; head -c 32 /dev/urandom | base64 > ${file}), or restore it if this broker ran before`,
    })
  })
  if ((mode & 0o077) !== 0) {
    throw new BrokerError('unavailable', `the key file ${file} is open to other users`, { fix: `chmod 600 ${file}` })
  }
  return parsedKey(await readFile(file, 'utf8'), file)
}

function parsedKey(text: string, origin: string): Buffer {
  const key = parseKey(text.trim())
  if (key) return key
  throw new BrokerError('unavailable', `${origin} does not hold 32 bytes in base64`, { fix: 'restore it from its backup' })
}

function newInstance(): string {
  return String(randomInt(1_000_000_000, 10_000_000_000))
}

/** What the file holds, writing it first if it is not there. It appears complete or not at all; of two that try, one wins. */
async function createOnce(file: string, content: () => string): Promise<string> {
  if (await exists(file)) return (await readFile(file, 'utf8')).trim()
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(draft, 'wx', 0o600)
    await handle.writeFile(`${content()}\n`)
    await handle.sync()
    await handle.close()
    await link(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  return (await readFile(file, 'utf8')).trim()
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
