import { isIPv4 } from 'node:net'
import { z } from 'zod'
import {
  type Action,
  BrokerError,
  type Evidence,
  isBrokerError,
  type Journaled,
  type Json,
  type Reversible,
  type Step,
} from '../../../src/sdk/index.ts'
import type { VaultAnswer, VaultCall } from '../../../vault/index.ts'
import type { VaultClient, VaultSettings } from '../client.ts'
import { slashless } from '../config.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import { isAbsent, type Send, sendingFor } from '../send.ts'
import { getCertificate, type Issued, issuedFor, keyDigestIn, listCertificates } from './issued.ts'
import { keyOfRequest } from './signing-request.ts'

export const wishFields = {
  mount: slashless('PKI mount', 'path of the PKI engine').prefault('pki'),
  role: slashless('Role', 'by which it is issued'),
  commonName: z.string().min(1).max(64).meta({ title: 'Common name' }),
  domains: z
    .array(
      z
        .string()
        .regex(/^(?:\*\.)?[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?$/, 'must be a DNS name')
        .max(253),
    )
    .max(100)
    .default([])
    .meta({ title: 'DNS names', description: 'as the role allows them' }),
  ttlSeconds: z
    .int()
    .min(60)
    .max(10 * 366 * 86_400)
    .optional()
    .meta({ title: 'Lifetime', description: 'seconds; left out: as the role says' }),
}

const Input = z.strictObject({
  ...wishFields,
  csr: z
    .string()
    .max(20_000)
    .refine((pem) => keyOfRequest(pem) !== undefined, 'must be a PKCS#10 signing request, as PEM')
    .meta({ title: 'Signing request', description: 'PEM; the private key stays where it was made' }),
})
type Input = z.infer<typeof Input>

interface IssueStep extends Step {
  readonly kind: 'issue'
  readonly args: {
    readonly mount: string
    readonly role: string
    readonly csr: string
    readonly commonName: string
    readonly domains: readonly string[]
    readonly ttlSeconds: number | null
    /** SHA-256 of the public key: no other certificate is for it */
    readonly publicKey: string
  }
}

/** A certificate by a role of a PKI engine, for a key that the server never sees. Undone by revoking it. */
export const issueCertificate: Action<VaultClient, Input, IssueStep> & Reversible<VaultClient, IssueStep> = {
  name: 'issue-certificate',
  title: 'Issue a certificate',
  description: 'A PKI role has issued a certificate for the key of a signing request. The server never sees the private key.',
  severity: 'medium',
  input: Input,
  writes: ({ csr }) => [`certificate of the key ${keyOfRequest(csr)}`],

  async plan(ctx, { mount, role, csr, commonName, domains, ttlSeconds }) {
    mustBeNamed(ctx.client.settings, mount, role)
    await mustKeepWhatItIssues(sendingFor(ctx, 'provisioning'), mount, role)
    return [
      {
        kind: 'issue',
        target: `${mount}/sign/${role}`,
        summary: `Has ${mount} issue a certificate for ${[commonName, ...domains.filter((name) => name !== commonName)].join(', ')} by its role ${role}.`,
        args: { mount, role, csr, commonName, domains, ttlSeconds: ttlSeconds ?? null, publicKey: keyOfRequest(csr)! },
      },
    ]
  },

  async execute(ctx, { args }) {
    const send = sendingFor(ctx, 'provisioning')
    const { mount, publicKey } = args
    // Its answer may have been lost: then it is there, and for a key that nobody else has.
    const before = ctx.again ? (await issuedFor(send, mount, publicKey)).found[0] : undefined
    if (before) return { record: recordOf(before, await chainOf(send, mount)) }
    const answer = await send(sign(args))
    const { serial_number: serial, certificate: certificatePem, ca_chain: chain } = answer.data
    if (typeof serial !== 'string' || typeof certificatePem !== 'string' || keyDigestIn(certificatePem) !== publicKey) {
      throw new BrokerError('target.unexpected', `${mount} answered ${answer.status}, and not with a certificate for this key`, {
        fix: 'name the mount of a PKI engine',
        requestId: answer.requestId,
      })
    }
    return { record: recordOf({ serial, certificatePem }, Array.isArray(chain) ? chain.map(String) : await chainOf(send, mount)) }
  },

  async verify(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    const isLive = (answer: VaultAnswer, { args }: IssueStep) => keyDigestOf(answer) === args.publicKey && !isRevoked(answer)
    const pieces = steps.map(async (step) => {
      const all = await looked(send, step, (answer) => isLive(answer, step))
      const live = all.filter(({ holds }) => holds)
      return live.length > 0 ? live : all.map((piece) => ({ ...piece, holds: false }))
    })
    return (await Promise.all(pieces)).flat()
  },

  async rollback(ctx, { args }, record) {
    const send = sendingFor(ctx, 'ending')
    for (const serial of await serialsFor(send, args, serialIn(record))) {
      const body = { serial_number: serial }
      const answer = await send({ method: 'POST', path: [args.mount, 'revoke'], body, accept: [400], repeatable: true })
      // What the server has forgotten meanwhile, or what has expired, it does not revoke: reading back says whether that is so.
      if (answer.status === 400 && !hasEnded(await send(getCertificate(args.mount, serial)))) {
        throw new BrokerError('target.invalid', `${args.mount} does not revoke ${serial}: ${answer.errors.join('; ')}`, {
          fix: 'look at the PKI engine, and revoke it by hand',
          requestId: answer.requestId,
        })
      }
    }
  },

  async verifyGone(ctx, steps) {
    const send = sendingFor(ctx, 'ending')
    return (await Promise.all(steps.map((step) => looked(send, step, hasEnded)))).flat()
  },

  async outlook(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    const restores = await Promise.all(
      steps.map(async ({ target, args, record }) => {
        const serial = serialIn(record)
        const isOver = serial !== undefined && hasEnded(await send(getCertificate(args.mount, serial)))
        const which = `The certificate ${serial ?? `for ${args.commonName}`}`
        return {
          target,
          summary: isOver
            ? `${which} has ended already.`
            : `${which} is revoked; who asks for no revocation list trusts it until it expires.`,
        }
      }),
    )
    return { isPossible: true, restores }
  },
}

/** What steps of such a run had issued. */
export function issuedIn(steps: readonly Journaled<Step>[]): { certificatePem: string; chainPem?: string } | undefined {
  const record = steps.find(({ kind }) => kind === 'issue')?.record as ReturnType<typeof recordOf> | undefined
  if (!record) return undefined
  return { certificatePem: record.certificatePem, ...(record.chainPem && { chainPem: record.chainPem }) }
}

export function mustBeNamed({ pkiRoles }: Pick<VaultSettings, 'pkiRoles'>, mount: string, role: string): void {
  if (pkiRoles.some((each) => each.mount === mount && each.role === role)) return
  throw new BrokerError(
    'input.invalid',
    `${mount}/${role} is not a PKI role that this integration may have certificates issued by`,
    {
      field: 'input.role',
      fix: 'add it to the integration’s `pkiRoles` with the capability issue-certificates, and to the broker’s policy',
    },
  )
}

/** What is not kept cannot be found or revoked, and what hangs on the broker’s token ends with that. */
async function mustKeepWhatItIssues(send: Send, mount: string, role: string): Promise<void> {
  const answer = await send({ method: 'GET', path: [mount, 'roles', role], accept: [404], repeatable: true })
  if (isAbsent(answer)) {
    throw new BrokerError('input.invalid', `${mount} has no role ${role}`, {
      field: 'input.role',
      fix: 'correct its name, or make it',
    })
  }
  const flaw =
    answer.data['no_store'] === true ? 'no_store' : answer.data['generate_lease'] === true ? 'generate_lease' : undefined
  if (!flaw) return
  const why =
    flaw === 'no_store' ? 'what it issues could be neither found nor revoked' : 'what it issues ends with the broker’s own token'
  throw new BrokerError('target.unsupported', `the role ${role} of ${mount} has ${flaw}: ${why}`, {
    field: 'input.role',
    fix: `vault patch ${mount}/roles/${role} ${flaw}=false, or name another role`,
  })
}

function sign({ mount, role, csr, commonName, domains, ttlSeconds }: IssueStep['args']): VaultCall {
  const names = domains.filter((name) => !isIPv4(name))
  const body = {
    csr,
    common_name: commonName,
    ...(names.length > 0 && { alt_names: names.join(',') }),
    ...(ttlSeconds !== null && { ttl: `${ttlSeconds}s` }),
    format: 'pem',
  }
  // A second one for the same key is a second certificate: it is not sent again before the first was looked for.
  return { method: 'POST', path: [mount, 'sign', role], body }
}

async function chainOf(send: Send, mount: string): Promise<string[]> {
  const { data } = await send(getCertificate(mount, 'ca_chain'))
  const text = data['certificate'] ?? data['ca_chain']
  return typeof text === 'string' ? (text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []) : []
}

function recordOf({ serial, certificatePem }: Issued, chain: readonly string[]) {
  return { serial, certificatePem: asBlock(certificatePem), chainPem: chain.map(asBlock).join('') }
}

const asBlock = (pem: string) => `${pem.trim()}\n`

function serialIn(record: Json | undefined): string | undefined {
  const serial =
    typeof record === 'object' && record !== null && !Array.isArray(record)
      ? (record as { [key: string]: Json })['serial']
      : undefined
  return typeof serial === 'string' ? serial : undefined
}

/** The one that is known and, as an answer may have been lost before it, every other one for this key. */
async function serialsFor(send: Send, { mount, publicKey }: IssueStep['args'], known: string | undefined): Promise<Set<string>> {
  const searched = issuedFor(send, mount, publicKey).catch((error: unknown) => {
    if (known !== undefined && isBrokerError(error, 'target.unsupported')) return { found: [] }
    throw error
  })
  const found = (await searched).found.map(({ serial }) => serial)
  return new Set(known === undefined ? found : [known, ...found])
}

/** Without a serial number: of whatever there is for this key. */
async function looked(
  send: Send,
  { args, record }: Journaled<IssueStep>,
  holds: (answer: VaultAnswer) => boolean,
): Promise<Evidence[]> {
  const { mount, publicKey, commonName } = args
  const known = serialIn(record)
  const searched = known === undefined ? await issuedFor(send, mount, publicKey) : undefined
  if (searched?.found.length === 0) {
    const said = `${searched.answer.status}, none of its certificates is for this key`
    return [evidenceOf(`certificate for ${commonName}`, true, lookOf(listCertificates(mount), searched.answer, said))]
  }
  const serials = known !== undefined ? [known] : searched!.found.map(({ serial }) => serial)
  return Promise.all(
    serials.map(async (serial) => {
      const call = getCertificate(mount, serial)
      const answer = await send(call)
      const said = answer.status !== 200 ? 'not there' : isRevoked(answer) ? 'revoked' : 'issued, and not revoked'
      return evidenceOf(`certificate ${serial}`, holds(answer), lookOf(call, answer, `${answer.status}, ${said}`))
    }),
  )
}

function keyDigestOf({ data }: VaultAnswer): string | undefined {
  return typeof data['certificate'] === 'string' ? keyDigestIn(data['certificate']) : undefined
}

function isRevoked({ data }: VaultAnswer): boolean {
  return Number(data['revocation_time'] ?? 0) > 0
}

function hasEnded(answer: VaultAnswer): boolean {
  return isAbsent(answer) || isRevoked(answer)
}
