import type { Command } from 'commander'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { jsonFrom } from '../json-file.ts'
import { json } from '../lines.ts'
import type { Terminal } from '../terminal.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Whatever has no command of its own: one call of the API, as /openapi.json describes it. */
export function api(program: Command, terminal: Terminal): void {
  withApi(
    program.command('api <method> <path> [file]').summary('call the API; the body comes from a file, or - for standard input'),
  )
    .option('--pick <field>', 'print only this field of the answer, such as id')
    .action(async (method: string, path: string, file: string | undefined, options: ApiOptions & { pick?: string }) => {
      const verb = METHODS.find((one) => one === method.toUpperCase())
      if (!verb) throw new BrokerError('input.invalid', `${method} is not a method`, { fix: `use one of ${METHODS.join(', ')}` })
      if (!/^\/(?!\/)[!-~]*$/.test(path)) {
        throw new BrokerError('input.invalid', `${path} is not a path of the API`, {
          fix: 'begin the path with one slash and leave out spaces, as in /api/me',
        })
      }
      // Where nothing has to be said an empty object says it; only reading takes no body at all.
      const body = file === undefined ? (verb === 'POST' ? {} : undefined) : await jsonFrom(terminal, file)
      await show(
        terminal,
        options,
        async (broker) => (await broker.send(verb, path, body)).answer,
        (answer) => [options.pick === undefined ? json(answer) : picked(answer, options.pick)],
      )
    })
}

function picked(answer: unknown, field: string): string {
  const value =
    typeof answer === 'object' && answer !== null && Object.hasOwn(answer, field) ? Reflect.get(answer, field) : undefined
  if (value === undefined)
    throw new BrokerError('input.invalid', `the answer has no field ${field}`, {
      fix: 'leave out --pick to see the whole answer',
    })
  return typeof value === 'string' ? value : json(value)
}
