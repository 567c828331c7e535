import type { Command } from 'commander'
import type { CredentialView } from '../../contract/grants.ts'
import { at } from '../api-client.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { facts } from '../lines.ts'
import type { Terminal } from '../main.ts'

/** Mints a credential and shows it, once. */
export function open(program: Command, terminal: Terminal): void {
  withApi(program.command('open <grant>').summary('get the credential of a grant, shown once'))
    .option('--raw', 'shell variables only, which the usage names: eval "$(latchkey open --raw …)"')
    .action(async (id: string, options: ApiOptions & { raw?: boolean }) => {
      await show(
        terminal,
        options,
        (api) => api.post<CredentialView>(at`/api/grants/${id}/open`),
        options.raw ? assignments : inWords,
      )
    })
}

function inWords(credential: CredentialView): string[] {
  const { accessDetails, collectBy, endsAt, usage } = credential
  return [
    ...assignments(credential),
    '',
    ...facts({ 'collect it by': collectBy, ends: endsAt, note: accessDetails }),
    '',
    'To use it:',
    ...usage.map((line) => `  ${line}`),
  ]
}

function assignments({ fields }: CredentialView): string[] {
  return fields.map(({ name, value }) => `${name.replace(/\W/g, '_')}='${value.replaceAll(`'`, `'\\''`)}'`)
}
