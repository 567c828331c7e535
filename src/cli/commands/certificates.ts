import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { certificates as endpoints } from '../../contract/endpoints/distribution.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { certificateInWords, certificatesInWords } from '../distribution-words.ts'
import { certificateId } from '../find.ts'
import type { Terminal } from '../main.ts'

interface Given extends ApiOptions {
  readonly key?: string
  readonly chain?: string
  readonly variable: readonly string[]
}

/** What there is to distribute: those that end first, or one of them. */
export function certificates(program: Command, terminal: Terminal): void {
  withApi(
    program.command('certificates [certificate]').summary('list certificates, the one that expires first on top, or show one'),
  ).action(async (given: string | undefined, options: ApiOptions) => {
    if (given === undefined) {
      await show(
        terminal,
        options,
        (api) => api.call(endpoints.list, {}),
        ({ items }) => certificatesInWords(items),
      )
      return
    }
    await show(
      terminal,
      options,
      async (api) => api.call(endpoints.get, { params: { id: await certificateId(api, given) } }),
      certificateInWords,
    )
  })
}

/** Gives the broker a certificate to distribute. Its key comes from a file, never from the command line. */
export function addCertificate(program: Command, terminal: Terminal): void {
  withApi(program.command('add-certificate <name> <file>').summary('add a certificate from a PEM file, to distribute it later'))
    .option('--key <file>', 'its private key (PEM, not encrypted)')
    .option('--chain <file>', 'its issuers (PEM), if the certificate’s file does not hold them')
    .option('--variable <name=value>', 'a variable for path templates; may be repeated', collected, [])
    .action(async (name: string, file: string, { key, chain, variable, ...options }: Given) => {
      const body = {
        name,
        certificate: await pemIn(file),
        ...(chain !== undefined && { chain: await pemIn(chain) }),
        ...(key !== undefined && { privateKey: await pemIn(key) }),
        variables: Object.fromEntries(variable.map(nameAndValue)),
      }
      await show(terminal, options, (api) => api.call(endpoints.create, { body }), certificateInWords)
    })
}

function collected(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

function nameAndValue(given: string): [string, string] {
  const at = given.indexOf('=')
  if (at > 0) return [given.slice(0, at), given.slice(at + 1)]
  throw new BrokerError('input.invalid', `${given} is not a variable`, { fix: 'write it as name=value' })
}

function pemIn(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BrokerError('input.invalid', `${file} cannot be read`, { cause, fix: 'name a PEM file' })
  })
}
