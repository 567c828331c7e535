import { z } from 'zod'
import {
  type Action,
  BrokerError,
  type Journaled,
  type Json,
  type Outlook,
  type Reversible,
  type Step,
} from '../../../src/sdk/index.ts'
import type { VaultClient } from '../client.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import { type Send, sendingFor } from '../send.ts'
import { keptVersions, onlyOneKept, restorable } from './kv-kept.ts'
import { concernsOf, type KvPlace, kvPlace, mustKeepVersions, nameOf } from './kv-place.ts'
import { keptIn } from './kv-record.ts'
import { type Standing, standingOf, type Writing } from './kv-standing.ts'
import { digestOf, type Fields, getVersion, inexactField, type KvVersion, readVersion } from './kv-version.ts'
import { earlierOutlook, handOf, writeOver } from './kv-writing.ts'
import { madeBy, newValue } from './new-value.ts'
import { noWayBack } from './outlooks.ts'
import { ifAllowed } from './rights-back.ts'
import { type SealedValues, seal, unsealed } from './sealed-values.ts'
import { writtenAndUndone } from './written-action.ts'

const NewFields = z
  .record(z.string().min(1).max(512), newValue)
  .refine((fields) => Object.values(fields).some(({ by }) => by !== 'keep'), 'must give at least one field a new value')
  .refine((fields) => Object.keys(fields).length <= 200, 'must have at most 200 fields')
  .meta({ title: 'Fields', description: 'field name → where its new value comes from; other fields stay as they are' })
const { $schema: _, ...formOfFields } = z.toJSONSchema(NewFields, { io: 'input', unrepresentable: 'any' })
const Input = z.strictObject({
  ...kvPlace,
  // A record leaves out what has this name and says nothing.
  fields: z
    .custom<Record<string, unknown>>((fields) => !isNamedProto(fields), 'must not have a field named __proto__')
    .meta(formOfFields)
    .pipe(NewFields),
})
type Input = z.infer<typeof Input>

interface RotateStep extends Step {
  readonly kind: 'rotate'
  readonly args: KvPlace & { readonly version: number; readonly createdAt: string; readonly fields: readonly string[] }
}

/** New values in a secret, as a new version of it. Undone by writing the earlier version once more. */
export const rotateKvSecret: Action<VaultClient, Input, RotateStep> & Reversible<VaultClient, RotateStep> = {
  name: 'rotate-kv-secret',
  title: 'Rotate a secret',
  description: 'The named fields get new values in a new version of the secret. Everything else in it stays as it was.',
  severity: 'medium',
  input: Input,
  concerns: concernsOf,
  writes: (place) => [nameOf(place)],

  async plan(ctx, { mount, path, fields: wanted }) {
    const send = sendingFor(ctx, 'provisioning')
    const place = { mount, path }
    await mustKeepVersions(send, ctx.client, mount)
    const current = mustBeLive(place, await readVersion(send, place))
    mustHave(place, current.fields, Object.keys(wanted))
    mustBeExact(place, current.fields)
    const values = newValues(wanted)
    const names = Object.keys(values)
    return [
      {
        kind: 'rotate',
        target: `${mount}/data/${path}`,
        summary: `Writes version ${current.version + 1} of ${nameOf(place)} with ${names.length === 1 ? 'a new value' : 'new values'} of ${names.join(', ')}.`,
        args: { ...place, version: current.version, createdAt: current.createdAt, fields: names },
        before: { version: current.version, fields: maskOf(current.fields) },
        sealed: seal(values, current.fields),
      },
    ]
  },

  async wayBack(ctx, { mount, path }) {
    const send = sendingFor(ctx, 'background')
    const place = { mount, path }
    const [current, kept] = await Promise.all([readVersion(send, place), keptVersions(send, place)])
    const { version, deletedAt } = mustBeLive(place, current)
    const name = nameOf(place)
    if (kept.atMost === 1) return { isPossible: false, because: onlyOneKept(name, version), restores: [] }
    return {
      isPossible: true,
      ...(deletedAt && { until: deletedAt }),
      restores: [{ target: `${mount}/data/${path}`, summary: restorable(name, version) }],
    }
  },

  async execute(ctx, step) {
    const sealed = unsealed(step.sealed)
    if (!sealed) throw new TypeError('the new values are sealed in the step')
    const next = (current: Fields) => ({ ...current, ...sealed.values })
    return { record: await writeOver(handOf(ctx, 'provisioning'), writingOf(step, step.record), next) }
  },

  ...writtenAndUndone({ writingOf, evidenceFor, outlookOf }),
}

async function outlookOf(send: Send, step: Journaled<RotateStep>): Promise<Outlook> {
  const writing = writingOf(step, step.record)
  const { place, from } = writing
  const standing = await standingOf(send, writing)
  if (standing.is === 'changed') return noWayBack(standing)
  if (standing.is === 'restored')
    return { isPossible: true, because: `${nameOf(place)} holds again what it held before`, restores: [] }
  const outlook = await earlierOutlook(send, writing)
  if (!outlook.isPossible) return outlook
  const kept = await keptVersions(send, place)
  if (standing.is === 'untouched' && kept.atMost === 1) {
    const because = `${nameOf(place)} keeps only one version, so writing the next one removes version ${from}`
    return { isPossible: false, because, restores: [] }
  }
  const allowed = await ifAllowed(send, outlook, { path: `${place.mount}/data/${place.path}`, right: 'update' })
  return kept.isCertain || !allowed.isPossible
    ? allowed
    : { ...allowed, because: `the broker may not read how many versions ${place.mount} keeps` }
}

function isNamedProto(fields: unknown): boolean {
  return typeof fields === 'object' && fields !== null && Object.hasOwn(fields, '__proto__')
}

function writingOf({ args, sealed: secret }: RotateStep, record?: Json): Writing {
  const { mount, path, version, createdAt } = args
  const place = { mount, path }
  const sealed = unsealed(secret)
  return { place, from: version, fromAt: createdAt, hadValue: true, ...keptIn(record), ...(sealed && comparing(sealed)) }
}

function comparing({ before, after }: SealedValues): Pick<Writing, 'differs' | 'wasBefore'> {
  return {
    differs: (fields) => (digestOf(fields) === after ? undefined : 'it holds other values'),
    wasBefore: (fields) => digestOf(fields) === before,
  }
}

function evidenceFor({ args }: RotateStep, standing: Standing, holds: boolean) {
  const name = nameOf(args)
  return evidenceOf(`secret ${name}`, holds, lookOf(getVersion(args), standing.answer, inWords(args, standing)))
}

function inWords({ version }: RotateStep['args'], standing: Standing): string {
  const { status } = standing.answer
  switch (standing.is) {
    case 'untouched':
      return `${status}, nothing of this run is there`
    case 'written':
      return `${status}, version ${version + 1} is the current one and holds the new values`
    case 'restored':
      return standing.isDeleted
        ? `${status}, version ${standing.version} is deleted, as version ${version} was before it`
        : `${status}, version ${standing.version} is the current one and holds what version ${version} held`
    case 'spoiled':
    case 'changed':
      return `${status}, ${standing.because}`
  }
}

function newValues(wanted: Input['fields']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([name, from]) => {
      if (from.by === 'keep') return []
      return [[name, from.by === 'value' ? from.value.reveal() : madeBy(from)]]
    }),
  )
}

/** What people may see of a secret: names and lengths. */
function maskOf(fields: Fields): Json {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, Json] => [
      name,
      typeof value === 'string' ? { kind: 'text', length: value.length } : { kind: Array.isArray(value) ? 'list' : typeof value },
    ]),
  )
}

function mustBeLive(place: KvPlace, current: KvVersion) {
  const name = nameOf(place)
  if (current.is === 'live') return current
  if (current.is === 'absent') {
    throw new BrokerError('input.invalid', `there is no secret ${name}`, {
      field: 'input.path',
      fix: 'correct the path; rotating does not make a new secret',
    })
  }
  throw new BrokerError('conflict', `version ${current.version} of ${name}, the current one, is ${current.is}`, {
    field: 'input.path',
    fix:
      current.is === 'deleted'
        ? 'undelete it first, or write the secret by hand; otherwise its other fields would be lost'
        : 'write the secret by hand; its other fields cannot be kept',
  })
}

function mustHave(place: KvPlace, fields: Fields, names: readonly string[]): void {
  const missing = names.find((name) => !Object.hasOwn(fields, name))
  if (missing === undefined) return
  throw new BrokerError('input.invalid', `${nameOf(place)} has no field ${JSON.stringify(missing)}`, {
    field: `input.fields.${missing}`,
    fix: `choose among its fields: ${Object.keys(fields).join(', ') || 'it has none'}`,
  })
}

function mustBeExact(place: KvPlace, fields: Fields): void {
  const name = inexactField(fields)
  if (name === undefined) return
  throw new BrokerError(
    'target.unsupported',
    `${nameOf(place)} holds a number in its field ${JSON.stringify(name)} that the server rounds when the secret is read, so it could not be kept exactly`,
    { field: 'input.path', fix: 'write that number as text, and rotate again' },
  )
}
