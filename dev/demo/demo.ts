import { parseArgs } from 'node:util'
import { onStopSignals } from '../../src/platform/installation/stop-signals.ts'
import { BrokerError } from '../../src/sdk/errors.ts'
import { freePort } from '../vault/free-port.ts'
import { vaultBinary } from '../vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../vault/vault-server.ts'
import { type DemoDaemon, startDaemon } from './demo-daemon.ts'
import { certificate } from './demo-distribution.ts'
import { askAndApprove, openAndRead, people, problem, timePasses, transit, withoutBroker } from './demo-journey.ts'
import { DemoCompany } from './demo-people.ts'
import { DemoPlaces } from './demo-places.ts'
import { evidence, setUp } from './demo-proof.ts'
import { databasePassword, failedTest, settleRotation, undoneByAdmin } from './demo-rotation.ts'
import { Screen } from './demo-screen.ts'
import { DemoShop } from './demo-shop.ts'
import { type DemoWorld, settle } from './demo-world.ts'

const HELP = `npm run demo -- [--seconds <n>] [--server openbao|vault] [--keep]
  --seconds <n>  how long alice gets access, 10 to 3600; 20 unless you say
  --server <s>   vault or openbao; unless given, the first that is found, else OpenBao
  --keep         leave everything running afterwards, until ctrl-c`

interface Options {
  readonly seconds: number
  readonly server: string | undefined
  readonly keep: boolean
}

const screen = new Screen(process.stdout, process.env)
let daemon: DemoDaemon | undefined
/** what was started, and how to stop it */
const running: (() => Promise<void>)[] = []
const signalled = firstSignal()

process.exit(await main())

async function main(): Promise<number> {
  const options = optionsIn(process.argv.slice(2))
  if (typeof options === 'string') {
    screen.line(`${options}\n\n${HELP}`)
    return 2
  }
  try {
    const outcome = await Promise.race([perform(options), signalled])
    if (typeof outcome === 'string') {
      screen.line(`\n  ${outcome}: stopping everything`)
      screen.close()
      return 130
    }
    if (options.keep) {
      addresses(outcome)
      await signalled
    }
    return screen.failed === 0 ? 0 : 1
  } catch (error) {
    screen.failed += 1
    screen.line(`\n  The demo cannot go on: ${inWords(error)}\n`)
    return 1
  } finally {
    await Promise.allSettled(running.map((stop) => stop()))
    if (screen.failed > 0) screen.line(daemon?.complaints() ?? '')
  }
}

interface Stage {
  readonly vault: VaultServer
  readonly daemon: DemoDaemon
  readonly world: DemoWorld
}

/** The whole story, on a server and a broker that nobody used before. */
async function perform({ seconds, server }: Options): Promise<Stage> {
  const binary = await vaultBinary({ env: { ...process.env, ...(server && { LATCHKEY_SERVER: server }) } }) // the first time it may have to be built
  const began = performance.now()
  const port = await freePort()
  const company = await started(DemoCompany.start(`http://127.0.0.1:${port}`))
  const [vault, broker, shop, places] = await Promise.all([
    started(startVaultServer({ binary })),
    started(startDaemon(port, company.settings)),
    started(DemoShop.start()),
    started(DemoPlaces.start(binary)),
  ])
  daemon = broker
  const name = vault.product === 'vault' ? 'Vault' : 'OpenBao'
  screen.of(name)
  screen.title('Latchkey: lend a secret, take it back, prove that it is gone')
  screen.note(`A new ${name} ${vault.version} (raft, audit file), three more, broker, database and identity provider.`)
  const world = await settle(vault, company, broker.adminToken)
  await problem(screen, vault)
  setUp(screen, world)
  await people(screen, world)
  const grantId = await askAndApprove(screen, vault, world, seconds)
  const lent = await openAndRead(screen, vault, world, grantId)
  await transit(screen, vault, world)
  await withoutBroker(screen, vault, broker, world)
  const rotator = await settleRotation(screen, vault, world, shop)
  await databasePassword(screen, vault, world, shop, rotator)
  await failedTest(screen, vault, world, shop, rotator)
  await undoneByAdmin(screen, vault, world, rotator)
  await certificate(screen, vault, world, places)
  await timePasses(screen, vault, lent)
  await evidence(screen, vault, world, grantId)
  screen.verdict(Math.round((performance.now() - began) / 1000))
  return { vault, daemon: broker, world }
}

/** Remembers what is being started, so that even an interruption half-way stops it. */
async function started<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  running.push(async () => {
    const thing = await starting.catch(() => undefined) // what did not start has cleaned up behind itself
    await thing?.stop()
  })
  return starting
}

function addresses({ vault, daemon }: Stage): void {
  screen.line('  Everything goes on running until ctrl-c.\n')
  screen.fact('the portal', daemon.url)
  screen.note(
    'Open it and press “Sign in”; the identity provider asks who you are, and wants no password:',
    'as Alice Ames, who asks: search for “stripe”, ask, and use it once it is approved,',
    'as Bob Baker or Erin Evans, who approve: in another browser, or in a private window.',
    'as Dana Drew, who is an admin: “Actions” shows what was rotated and distributed, and takes it back.',
    'The secrets of the payments team need a yes; encrypting with transit/orders does not.',
  )
  screen.fact('its API', `${daemon.url}/openapi.json`)
  screen.fact('admin', daemon.adminToken)
  screen.fact(vault.product === 'vault' ? 'Vault' : 'OpenBao', vault.address)
  screen.fact('root token', vault.rootToken)
  screen.fact('audit file', vault.auditFile)
  screen.line(`\n    curl -H 'Authorization: Bearer <admin’s token>' ${daemon.url}/api/me\n`)
}

/** What was asked for, or what is wrong with it. */
function optionsIn(words: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        seconds: { type: 'string', default: '20' },
        server: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    })
    const seconds = Number(values.seconds)
    if (!Number.isInteger(seconds) || seconds < 10 || seconds > 3600) {
      return `--seconds is ${values.seconds}; give a whole number from 10 to 3600`
    }
    if (values.server !== undefined && !/^(vault|openbao)$/.test(values.server)) {
      return `--server is ${values.server}; give openbao or vault`
    }
    return { seconds, server: values.server, keep: values.keep }
  } catch (error) {
    return inWords(error)
  }
}

/** The first signal lets everything be stopped in order. The second does not wait: what was started dies with us. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    onStopSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], { first: resolve, again: () => process.exit(130) })
  })
}

function inWords(error: unknown): string {
  if (error instanceof BrokerError) return [error.message, error.fix].filter(Boolean).join('; ')
  return error instanceof Error ? error.message : String(error)
}
