import type { Command } from 'commander'
import { rotations } from '../../contract/endpoints/rotations.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { rotationId } from '../find.ts'
import { rotationInWords } from '../rotation-words.ts'
import type { Terminal } from '../terminal.ts'
import { until } from '../until.ts'

interface Options extends ApiOptions {
  readonly reason?: string
  readonly done?: boolean
  readonly note?: string
  readonly wait?: boolean
}

const SETTLED = new Set(['finished', 'undone', 'failed', 'refused'])

/** Has a rotation made now, or says that a person has made it. */
export function rotate(program: Command, terminal: Terminal): void {
  withApi(program.command('rotate <rotation>').summary('run a rotation now, or mark one as done by hand'))
    .option('--reason <text>', 'why you run it now; it is kept in the audit trail')
    .option('--done', 'mark a reminder as done: you did it by hand')
    .option('--note <text>', 'with --done: a note about what you did')
    .option('--no-wait', 'do not wait for the end of the run')
    .action(async (given: string, options: Options) => {
      if (!options.done && options.reason === undefined)
        throw new BrokerError('input.invalid', 'the reason is missing', { fix: 'add --reason "…"' })
      const { last } = await show(
        terminal,
        options,
        async (api) => {
          const params = { id: await rotationId(api, given) }
          if (options.done) return api.call(rotations.done, { params, body: { note: options.note } })
          const asked = await api.call(rotations.run, { params, body: { reason: options.reason! } })
          if (options.wait === false) return asked
          return until(
            () => api.call(rotations.get, { params }),
            ({ last: turn }) => turn !== null && turn.id !== asked.last?.id && SETTLED.has(turn.state),
          )
        },
        (rotation) => rotationInWords(rotation, rotation.last ? [rotation.last] : []),
      )
      if (options.done || options.wait === false || last?.state === 'finished') return
      throw new BrokerError('conflict', `the rotation is ${last?.state}: ${last?.problem?.message ?? 'it was not made'}`, {
        ...(last?.problem?.fix !== undefined && { fix: last.problem.fix }),
      })
    })
}
