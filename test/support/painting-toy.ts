import { z } from 'zod'
import {
  type Action,
  type AnyPlugin,
  BrokerError,
  type Outlook,
  type RunContext,
  type Secret,
  type Step,
  secret,
  type Weight,
} from '../../src/sdk/index.ts'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { grantingToy } from './granting-toy.ts'
import { TOY_PASSWORD, type ToyClient, ToyTarget } from './toy-plugin.ts'

const input = z.object({ wall: z.string().min(1), colour: secret({ title: 'Colour' }) })

/** The toy with a second action, which changes something that is there: a wall gets another colour, and on the way back its former one. */
export class PaintingToy {
  readonly walls = new Map<string, string>()
  readonly calls: string[] = []
  /** what happens while that is planned */
  whenPlanned: () => Promise<unknown> = async () => {}
  readonly target = new ToyTarget()
  /** what happens while a wall is painted */
  whenPainted: (wall: string, context: RunContext<ToyClient>) => Promise<unknown> = async () => {}
  /** what happens while a painted wall is looked at */
  whenLooked: () => Promise<unknown> = async () => {}
  /** as of somebody who wrote in between */
  refusesUndo = false
  /** what stands in the way of every undo */
  undoFails: BrokerError | undefined
  /** what is said of the undo when it is looked at; undefined: nothing in particular */
  outlook: Outlook | undefined
  /** whether the former colour is known once a wall is painted, and how long */
  wayBack: Outlook = { isPossible: true, restores: [] }
  /** what of an input makes it riskier */
  weight: Weight = { because: [] }
  readonly plugin: AnyPlugin

  constructor() {
    const toy = grantingToy(this.target)
    this.plugin = { ...toy, actions: [this.paint, this.tearDown] }
  }

  private readonly paint: Action<ToyClient, { wall: string; colour: Secret }, Step> = {
    name: 'paint-wall',
    title: 'Paint a wall',
    input,
    weigh: () => this.weight,
    writes: ({ wall }) => [wall],
    concerns: ({ wall }) => [{ type: 'toy-thing', name: wall }],
    plan: async (_context, { wall, colour }) => {
      this.calls.push(`plan ${wall}`)
      await this.whenPlanned()
      return [
        {
          kind: 'coat',
          target: wall,
          summary: `Paints ${wall}.`,
          args: { over: this.walls.get(wall) ?? 'bare' },
          before: { colour: this.walls.get(wall) ?? 'bare' },
          sealed: colour,
        },
      ]
    },
    wayBack: async () => this.wayBack,
    execute: async (context, { target, sealed }) => {
      this.calls.push(`paint ${target}`)
      const before = this.walls.get(target) ?? 'bare'
      this.walls.set(target, sealed!.reveal())
      await this.whenPainted(target, context)
      return { record: { before } }
    },
    verify: async (_context, steps) => {
      await this.whenLooked()
      return steps.map(({ target, sealed }) => ({
        artefact: target,
        holds: this.walls.get(target) === sealed?.reveal(),
        observed: this.walls.has(target) ? 'painted' : 'bare',
        at: new Date().toISOString(),
      }))
    },
    outlook: async () => this.outlook ?? { isPossible: true, restores: [] },
    rollback: async (_context, { target }, record) => {
      if (this.undoFails) throw this.undoFails
      if (this.refusesUndo) throw new BrokerError('target.conflict', `somebody else painted ${target}`)
      const { before } = (record ?? { before: 'bare' }) as { before: string }
      this.walls.set(target, before)
    },
    verifyGone: async (_context, steps) =>
      steps.map(({ target, before }) => ({
        artefact: target,
        holds: this.walls.get(target) === (before as { colour: string }).colour || this.walls.get(target) === 'bare',
        observed: this.walls.get(target) ?? 'bare',
        at: new Date().toISOString(),
      })),
  }

  private readonly tearDown: Action<ToyClient, { wall: string }, Step> = {
    name: 'tear-down',
    title: 'Tear a wall down',
    severity: 'high',
    irreversible: 'nobody builds a wall of rubble',
    input: z.object({ wall: z.string().min(1) }),
    mustType: ({ wall }) => wall,
    plan: async (_context, { wall }) => [{ kind: 'blow', target: wall, summary: `Tears ${wall} down.`, args: {} }],
    execute: async (_context, { target }) => {
      this.walls.delete(target)
      return {}
    },
  }
}

/** The toy connected to a broker. */
export interface Paintable {
  readonly toy: PaintingToy
  readonly broker: Broker
  readonly integrationId: string
}

export async function startPainting(options: BrokerOptions = {}): Promise<Paintable> {
  const toy = new PaintingToy()
  const broker = await startBroker({ ...options, plugins: [toy.plugin] })
  const config = { address: 'here', login: { method: 'password', password: TOY_PASSWORD } }
  const made = broker.admin.post('/api/integrations', { name: 'toys', plugin: 'toy', config, skipTest: true })
  return { toy, broker, integrationId: (await broker.admin.must(made)).id }
}
