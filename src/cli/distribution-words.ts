import type { CertificateView } from '../contract/certificates.ts'
import type { DistributionDryRun, DistributionLine, DistributionOutlook, DistributionView } from '../contract/distributions.ts'
import type { TargetView } from '../contract/targets.ts'
import { facts, json, plain, table } from './lines.ts'

/** Certificates below each other, those first that end first. */
export function certificatesInWords(certificates: readonly CertificateView[]): string[] {
  return table(
    ['CERTIFICATE', 'NAME', 'FOR', 'STATE', 'ENDS'],
    certificates.map(({ id, name, commonName, domains, state, replacedBy, notAfter }) => [
      id,
      name,
      domains.join(', ') || (commonName ?? ''),
      replacedBy === null ? state : 'replaced',
      notAfter,
    ]),
  )
}

export function certificateInWords(certificate: CertificateView): string[] {
  return facts({
    certificate: certificate.id,
    name: certificate.name,
    subject: certificate.subject,
    issuer: certificate.issuer,
    names: certificate.domains.join(', '),
    fingerprint: certificate.fingerprint,
    key: certificate.hasPrivateKey ? `${certificate.keyType}, kept` : `${certificate.keyType}, not given`,
    from: certificate.notBefore,
    until: certificate.notAfter,
    state: certificate.state,
    ...(certificate.sourceId !== null && { source: certificate.sourceId }),
    ...(certificate.replacedBy !== null && { 'replaced by': certificate.replacedBy }),
  })
}

export function targetsInWords(targets: readonly TargetView[]): string[] {
  return table(
    ['TARGET', 'NAME', 'CREDENTIAL', 'HEALTH', 'LOOKED AT'],
    targets.map(({ id, name, credential, health }) => [
      id,
      name,
      credential.name,
      health === null ? 'not tried' : health.healthy ? 'well' : 'not well',
      health?.at ?? '',
    ]),
  )
}

export function distributionsInWords(distributions: readonly DistributionLine[]): string[] {
  return table(
    ['DISTRIBUTION', 'STATE', 'CERTIFICATE', 'TARGETS', 'BY', 'BECAUSE'],
    distributions.map(({ id, state, certificate, counts, orderedBy, reason }) => [
      id,
      state,
      certificate.name,
      Object.entries(counts)
        .map(([standing, count]) => `${count} ${standing}`)
        .join(', '),
      orderedBy.name,
      reason,
    ]),
  )
}

/** What stands at each target now, and what would be written there. */
export function dryRunInWords({ certificate, risk, targets }: DistributionDryRun): string[] {
  return [
    ...facts({
      certificate: certificate.name,
      fingerprint: certificate.fingerprint,
      risk: risk.level,
      because: risk.reasons.join(' '),
    }),
    ...targets.flatMap(({ name, path, now, summary, problem }) => [
      '',
      plain(`${name}: ${path}`),
      ...(problem ? [plain(`  ${[problem.message, problem.fix].filter(Boolean).join(' — ')}`)] : []),
      ...(summary === null ? [] : [plain(`  ${summary}`), `  now: ${json(now).replaceAll(/\s*\n\s*/g, ' ')}`]),
    ]),
  ]
}

/** One of them, target by target. */
export function distributionInWords(distribution: DistributionView): string[] {
  const { id, certificate, state, reason, orderedBy, targets } = distribution
  return [
    ...facts({ distribution: id, certificate: certificate.name, state, because: reason, 'ordered by': orderedBy.name }),
    '',
    ...table(
      ['TARGET', 'STATE', 'RUN', 'PROBLEM'],
      targets.map(({ name, removed, state: standing, runId, problem }) => [
        removed ? `${name} (removed)` : name,
        standing,
        runId ?? '',
        problem ? [problem.message, problem.fix].filter(Boolean).join(' — ') : '',
      ]),
    ),
  ]
}

/** What putting back would do at each target. */
export function outlookInWords({ items }: DistributionOutlook): string[] {
  return items.flatMap(({ name, possible, because, until, restores, warnings }) => [
    possible ? `${name} can be put back.` : `${name} cannot be put back: ${plain(because ?? '')}`,
    ...(possible && because ? [`  ${plain(because)}`] : []),
    ...restores.map(({ summary }) => `  ${plain(summary)}`),
    ...warnings.map((warning) => `  Mind: ${plain(warning)}`),
    ...(until ? [`  Until ${until}: then the target itself removes what would be restored.`] : []),
  ])
}
