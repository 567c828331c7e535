import type { Command } from 'commander'
import type { CertificateSourceView, NewCertificateSource } from '../../contract/certificate-sources.ts'
import { certificateSources as endpoints } from '../../contract/endpoints/distribution.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type ApiOptions, mustSayWhy, show, withApi } from '../api-command.ts'
import { apiClient } from '../connect.ts'
import { seconds } from '../duration.ts'
import { certificateSourceId, integrationId, targetIds } from '../find.ts'
import { facts, table } from '../lines.ts'
import { collected, formOf } from '../name-value.ts'
import type { Terminal } from '../terminal.ts'

interface Given extends ApiOptions {
  readonly integration: string
  readonly stored: readonly string[]
  readonly issued: readonly string[]
  readonly commonName?: string
  readonly domain: readonly string[]
  readonly ttl?: number
  readonly keyKind?: string
  readonly renewDays?: string
  readonly lookEvery?: number
  readonly thenTo?: string
}

interface Word extends ApiOptions {
  readonly renew?: boolean
  readonly remove?: boolean
  readonly reason?: string
}

type Origin = NewCertificateSource['from']

/** Has certificates pulled or issued, renewed, and sent to targets. */
export function addCertificateSource(program: Command, terminal: Terminal): void {
  withApi(program.command('add-certificate-source <name>').summary('pull certificates, or have them issued, over and over'))
    .requiredOption('--integration <name>', 'the integration that they come from')
    .option('--stored <field=value>', 'where the certificate is kept, as the plugin names it; may be repeated', collected, [])
    .option('--issued <field=value>', 'what issues it, as the plugin names it; may be repeated', collected, [])
    .option('--common-name <name>', 'the common name of an issued certificate')
    .option('--domain <name>', 'a DNS name of an issued certificate; may be repeated', collected, [])
    .option('--ttl <duration>', 'how long an issued certificate is valid, such as 90d (default: as its issuer says)', seconds)
    .option('--key-kind <kind>', 'rsa-2048 (default), rsa-3072, rsa-4096, ec-p256 or ec-p384')
    .option('--renew-days <days>', 'how many days before its end an issued certificate is renewed (default: 30)')
    .option('--look-every <duration>', 'how often to look for a newer certificate where it is kept (default: 1h)', seconds)
    .option('--then-to <targets>', 'names or ids of the targets that each new certificate is written to, separated by commas')
    .action(async (name: string, given: Given) => {
      await show(
        terminal,
        given,
        async (api) => {
          const from = originOf(given, (await integrationId(api, given.integration)) as `int_${string}`)
          const to = given.thenTo === undefined ? undefined : ((await targetIds(api, given.thenTo)) as `tgt_${string}`[])
          return api.call(endpoints.create, { body: { name, from, ...(to && { thenDistribute: { targetIds: to } }) } })
        },
        sourceInWords,
      )
    })
}

/** What comes by itself, and what to do about it. */
export function certificateSources(program: Command, terminal: Terminal): void {
  withApi(program.command('certificate-sources [source]').summary('list certificate sources; show, renew or remove one'))
    .option('--renew', 'look for a newer certificate, or have one issued, now')
    .option('--remove', 'renew nothing any more; its certificates stay')
    .option('--reason <text>', 'why you renew it; it is kept in the audit trail')
    .action(async (given: string | undefined, { renew, remove, reason, ...options }: Word) => {
      if (given === undefined) {
        await show(
          terminal,
          options,
          (api) => api.call(endpoints.list, {}),
          ({ items }) => sourcesInWords(items),
        )
        return
      }
      if (remove) {
        const api = await apiClient(terminal.env, options)
        await api.call(endpoints.remove, { params: { id: await certificateSourceId(api, given) } })
        return
      }
      const body = renew && { reason: mustSayWhy({ reason }) }
      await show(
        terminal,
        options,
        async (api) => {
          const params = { id: await certificateSourceId(api, given) }
          return body ? api.call(endpoints.renew, { params, body }) : api.call(endpoints.get, { params })
        },
        sourceInWords,
      )
    })
}

function originOf(given: Given, integration: `int_${string}`): Origin {
  const { stored, issued, commonName, domain, ttl, keyKind, renewDays, lookEvery } = given
  if (stored.length > 0 === issued.length > 0) {
    throw new BrokerError('input.invalid', 'certificates come from one place', {
      fix: 'give --stored or --issued, with the fields that the integration’s guide names',
    })
  }
  if (stored.length > 0) {
    const look = lookEvery !== undefined && { lookEverySeconds: lookEvery }
    return { kind: 'stored', integrationId: integration, place: formOf(stored), ...look } as Origin
  }
  if (commonName === undefined) {
    throw new BrokerError('input.invalid', 'an issued certificate has a name', { fix: 'give --common-name' })
  }
  return {
    kind: 'issued',
    integrationId: integration,
    wish: { ...formOf(issued), commonName, domains: domain, ...(ttl !== undefined && { ttlSeconds: ttl }) },
    ...(keyKind !== undefined && { key: keyKind }),
    ...(renewDays !== undefined && { renewDaysBefore: Number(renewDays) }),
  } as Origin
}

function sourcesInWords(sources: readonly CertificateSourceView[]): string[] {
  return table(
    ['SOURCE', 'NAME', 'KIND', 'CERTIFICATE ENDS', 'NEXT', 'PROBLEM'],
    sources.map(({ id, name, from, certificate, nextAt, problem }) => [
      id,
      name,
      from.kind,
      certificate?.notAfter ?? 'none yet',
      nextAt ?? '',
      problem?.message ?? '',
    ]),
  )
}

function sourceInWords({ id, name, from, thenDistribute, certificate, runId, nextAt, problem }: CertificateSourceView): string[] {
  return facts({
    source: id,
    name,
    from: JSON.stringify(from.kind === 'stored' ? from.place : from.wish),
    'goes to': thenDistribute?.targetIds.join(', ') ?? 'no target by itself',
    certificate: certificate ? `${certificate.id}, until ${certificate.notAfter}` : 'none yet',
    'being issued by': runId ?? '',
    next: nextAt ?? '',
    problem: problem ? [problem.message, problem.fix].filter(Boolean).join(': ') : '',
  })
}
