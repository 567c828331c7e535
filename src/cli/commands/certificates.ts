import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { certificates as endpoints } from '../../contract/endpoints/distribution.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, show, withApi } from '../api-command.ts'
import { certificateInWords, certificatesInWords } from '../distribution-words.ts'
import { certificateId } from '../find.ts'
import { collected, nameAndValue } from '../name-value.ts'
import type { Terminal } from '../terminal.ts'

interface Given extends ApiOptions {
  readonly pkcs12?: string
  readonly passwordFile?: string
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
  withApi(
    program
      .command('add-certificate <name> [file]')
      .summary('add a certificate from a PEM or PKCS#12 file, to distribute it later'),
  )
    .option('--pkcs12 <file>', 'certificate, issuers and key in one file (.p12, .pfx), instead of PEM')
    .option('--password-file <file>', 'holds the password of the PKCS#12 file in its first line; - reads it from the input')
    .option('--key <file>', 'its private key (PEM, not encrypted)')
    .option('--chain <file>', 'its issuers (PEM), if the certificate’s file does not hold them')
    .option('--variable <name=value>', 'a variable for path templates; may be repeated', collected, [])
    .action(async (name: string, file: string | undefined, { variable, ...given }: Given) => {
      const { pkcs12: _, passwordFile: _from, key: _key, chain: _chain, ...options } = given
      const body = {
        name,
        ...(await bundleIn(terminal, file, given)),
        variables: Object.fromEntries(variable.map(nameAndValue)),
      }
      await show(terminal, options, (api) => api.call(endpoints.create, { body }), certificateInWords)
    })
}

async function bundleIn(
  terminal: Terminal,
  file: string | undefined,
  { pkcs12, passwordFile, key, chain }: Omit<Given, 'variable'>,
) {
  if ((file === undefined) === (pkcs12 === undefined)) {
    throw new BrokerError('input.invalid', 'the certificate comes from one file', { fix: 'name a PEM file, or --pkcs12 FILE' })
  }
  if (file !== undefined) {
    return {
      certificate: await pemIn(file),
      ...(chain !== undefined && { chain: await pemIn(chain) }),
      ...(key !== undefined && { privateKey: await pemIn(key) }),
    }
  }
  if (passwordFile === undefined) {
    throw new BrokerError('input.invalid', 'a PKCS#12 file is opened with its password', {
      fix: '--password-file FILE, or - for the input',
    })
  }
  const bytes = await readFile(pkcs12!).catch((cause: unknown) => {
    throw new BrokerError('input.invalid', `${pkcs12} cannot be read`, { cause, fix: 'name a .p12 or .pfx file' })
  })
  return { pkcs12: { file: bytes.toString('base64'), password: await passwordIn(terminal, passwordFile) } }
}

async function passwordIn(terminal: Terminal, place: string): Promise<string> {
  const written = await (place === '-' ? text(terminal.input ?? process.stdin) : readFile(place, 'utf8')).catch(
    (cause: unknown) => {
      throw new BrokerError('input.invalid', `${place} cannot be read`, { cause, fix: 'name the file that holds the password' })
    },
  )
  return written.split(/\r?\n/)[0]!
}

function pemIn(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BrokerError('input.invalid', `${file} cannot be read`, { cause, fix: 'name a PEM file' })
  })
}
