import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { Building } from '../../../docs/examples/badges/building.ts'
import { access, type Bad, giving, good, plugin } from './bad-plugin.ts'

const MARKED = 'finds by its mark what a run left, and removes that alone'
const WHOSE = 'tells by its mark which installation made each piece, as the target has it'
const OTHERS = 'leaves alone what others made beside what bears its mark'
const OURS = 'claims by its mark nothing but what its runs made'
const AGAIN = 'tells which of its runs stand again, and of no other that it does'
const EXCEEDS = 'says of a plan that does more, or other things, than the approved one what that is, and of no other'
const BEYOND = 'says in sentences what no end of the access reaches'

const removeDoor = (client: Building, door: string) => rm(path.join(client.folder, 'doors', door), { force: true })

/** Plugins that take for theirs what is not, or see no difference where there is one. */
export const BAD_MARKS: readonly Bad[] = [
  [
    'removes everybody’s pieces by the mark of one',
    plugin({
      async *marked(client, signal) {
        const removeAll = async () => void (await Promise.all((await client.slots()).map((slot) => client.remove(slot))))
        for await (const piece of good.marked!(client, signal)) yield { ...piece, remove: removeAll }
      },
    }),
    MARKED,
  ],
  ['finds no mark', plugin({ async *marked() {} }), MARKED],
  [
    'tells its own installation of every piece',
    plugin({
      async *marked(client, signal) {
        for await (const piece of good.marked!(client, signal)) yield { ...piece, instance: '4711081542' }
      },
    }),
    WHOSE,
  ],
  [
    'claims every slot there is',
    plugin({
      async *marked(client) {
        for (const name of await client.slots())
          yield { artefact: `slot ${name}`, runId: name, instance: '4711081542', remove: () => client.remove(name) }
      },
    }),
    OTHERS,
  ],
  [
    'removes every slot there is with the one it claims',
    plugin({
      async *marked(client, signal) {
        const remove = () => client.remove('night watch')
        for await (const piece of good.marked!(client, signal)) {
          yield { ...piece, remove: async () => void (await Promise.all([piece.remove(), remove()])) }
        }
      },
    }),
    OTHERS,
  ],
  [
    'claims the doors of the building',
    plugin({
      async *marked(client, signal) {
        yield* good.marked!(client, signal)
        const stamp = { runId: 'run_of_nobody', instance: '4711081542' }
        for (const door of await client.doors()) yield { artefact: door, ...stamp, remove: () => removeDoor(client, door) }
      },
    }),
    OURS,
  ],
  [
    'claims a door as a piece of its run',
    plugin({
      async *marked(client, signal) {
        for await (const piece of good.marked!(client, signal)) {
          yield piece
          yield { ...piece, artefact: 'archive', remove: () => removeDoor(client, 'archive') }
        }
      },
    }),
    OURS,
  ],
  ['says that nothing stands again', plugin({ standsAgain: async () => [] }), AGAIN],
  ['says that everything stands again', plugin({ standsAgain: async (_client, { runIds }) => runIds }), AGAIN],
  [
    'takes the runs of another installation for its own',
    plugin({
      standsAgain: (client, { runIds }, signal) => good.standsAgain!(client, { instance: '4711081542', runIds }, signal),
    }),
    AGAIN,
  ],
  ['names runs that nobody asked about', plugin({ standsAgain: (client) => client.slots() }), AGAIN],
  [
    'says that nothing stands again where the target cannot be asked',
    plugin({ standsAgain: (...given) => good.standsAgain!(...given).catch(() => []) }),
    AGAIN,
  ],
  ['finds that no plan does more than another', giving({ exceeds: () => undefined }), EXCEEDS],
  ['finds that every plan does more', giving({ exceeds: () => 'it is another plan' }), EXCEEDS],
  ['has no words for what a plan does more', giving({ exceeds: (...given) => access.exceeds!(...given) && ' ' }), EXCEEDS],
  [
    'compares the texts of plans',
    giving({
      exceeds: (...plans) => (JSON.stringify(plans[0]) === JSON.stringify(plans[1]) ? undefined : 'it is written otherwise'),
    }),
    EXCEEDS,
  ],
  [
    'takes a plan that does less for one that does more',
    giving({ exceeds: (...plans) => access.exceeds!(plans[1], plans[0]) }),
    EXCEEDS,
  ],
  ['says that something outlives the end, and not what', giving({ beyondTheEnd: [] }), BEYOND],
  ['leaves a sentence of what outlives the end empty', giving({ beyondTheEnd: [...access.beyondTheEnd!, ' '] }), BEYOND],
]
