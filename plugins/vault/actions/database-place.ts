import { z } from 'zod'
import { BrokerError } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { VaultSettings } from '../client.ts'
import { slashless } from '../config.ts'
import { isAbsent, type Send } from '../send.ts'

const name = z
  .string()
  .max(256)
  .regex(/^\w(?:[\w.-]*\w)?$/, 'must be letters, digits, `_`, and inside also `-` and `.`')

/** A static role, or a connection of a database engine. */
export const DatabasePlace = z
  .strictObject({
    mount: slashless('Mount', 'path of the database engine').prefault('database'),
    role: name.optional().meta({ title: 'Static role', description: 'static role whose database user gets a new password' }),
    connection: name.optional().meta({
      title: 'Connection',
      description: 'instead of a role: the connection whose own password is changed, by which the engine reaches the database',
    }),
  })
  .superRefine(({ role, connection }, context) => {
    if ((role === undefined) === (connection === undefined))
      context.addIssue({ code: 'custom', path: ['role'], message: 'or connection must be given, but not both' })
  })
export type DatabasePlace = z.infer<typeof DatabasePlace>

export function mustBeCovered({ databaseMounts }: Pick<VaultSettings, 'databaseMounts'>, mount: string): void {
  if (databaseMounts.includes(mount)) return
  throw new BrokerError('input.invalid', `${mount} is not a database engine that this integration covers`, {
    field: 'input.mount',
    fix: 'add it to the integration’s `databaseMounts`, and to the broker’s policy',
  })
}

export interface StaticRole {
  readonly user: string | null
  readonly connection: string | null
  readonly rotatedAt: string | null
  readonly periodSeconds: number | null
  readonly answer: VaultAnswer
}

export function getRole(mount: string, role: string) {
  return { method: 'GET', path: [mount, 'static-roles', role], accept: [404], repeatable: true } as const
}

/** Its settings and when it was rotated last; never its password. Undefined for one that is not there. */
export async function readRole(send: Send, mount: string, role: string): Promise<StaticRole | undefined> {
  const answer = await send(getRole(mount, role))
  if (isAbsent(answer)) return undefined
  mustBeAnEngine(mount, answer)
  const { username, db_name, last_vault_rotation, rotation_period } = answer.data
  return {
    user: typeof username === 'string' ? username : null,
    connection: typeof db_name === 'string' ? db_name : null,
    rotatedAt: typeof last_vault_rotation === 'string' ? last_vault_rotation : null,
    periodSeconds: typeof rotation_period === 'number' ? rotation_period : null,
    answer,
  }
}

export function getConnection(mount: string, connection: string) {
  return { method: 'GET', path: [mount, 'config', connection], accept: [404], repeatable: true } as const
}

/** What is configured; of the address only what follows a password that the engine fills in: somebody may have written theirs into it. */
export async function readConnection(send: Send, mount: string, connection: string) {
  const answer = await send(getConnection(mount, connection))
  if (isAbsent(answer)) return undefined
  mustBeAnEngine(mount, answer)
  const { connection_details: details, plugin_name: plugin } = answer.data
  const { username: user, connection_url: url } = isObject(details) ? details : {}
  return {
    plugin: typeof plugin === 'string' ? plugin : null,
    user: typeof user === 'string' && user ? user : null,
    address: /\{\{password\}\}@([^?#\s]+)/.exec(typeof url === 'string' ? url : '')?.[1] ?? null,
    answer,
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function mustBeAnEngine(mount: string, { status, requestId }: VaultAnswer): void {
  if (status === 200) return
  throw new BrokerError('target.not_found', `no database engine answers at ${mount}`, {
    field: 'input.mount',
    fix: `vault secrets enable -path=${mount} database, or correct the path`,
    requestId,
  })
}
