import type { Command } from 'commander'
import { grants } from '../../contract/endpoints/grants.ts'
import type { CredentialView } from '../../contract/grants.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { facts } from '../lines.ts'
import type { Terminal } from '../terminal.ts'

/** Mints a credential and shows it, once. */
export function open(program: Command, terminal: Terminal): void {
  withApi(program.command('open <grant>').summary('get the credential of a grant, shown once'))
    .option('--raw', 'print only the commands that set up a shell: eval "$(latchkey open --raw …)"')
    .action(async (id: string, options: ApiOptions & { raw?: boolean }) => {
      await show(terminal, options, (api) => api.call(grants.open, { params: { id } }), options.raw ? readyShell : inWords)
    })
}

function inWords(credential: CredentialView): string[] {
  const { accessDetails, collectBy, endsAt, prepare, usage } = credential
  return [
    ...assignments(credential),
    '',
    ...facts({
      'collect it by': collectBy,
      ends: endsAt,
      note: accessDetails,
    }),
    '',
    'To use it:',
    ...[...prepare, ...usage].map((line) => `  ${line}`),
  ]
}

function readyShell(credential: CredentialView): string[] {
  return [...assignments(credential), ...credential.prepare]
}

function assignments({ fields }: CredentialView): string[] {
  return fields.map(({ name, value }) => `${name.replace(/\W/g, '_')}='${value.replaceAll(`'`, `'\\''`)}'`)
}
