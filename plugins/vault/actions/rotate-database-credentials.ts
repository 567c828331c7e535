import { type Action, BrokerError, type Irreversible, isBrokerError, type Step, type StepRecord } from '../../../src/sdk/index.ts'
import type { VaultClient } from '../client.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import { type Send, sendingFor } from '../send.ts'
import { DatabasePlace, getConnection, getRole, mustBeCovered, readConnection, readRole } from './database-place.ts'

interface RoleStep extends Step {
  readonly kind: 'role'
  readonly args: {
    readonly mount: string
    readonly role: string
    readonly user: string | null
    readonly connection: string | null
    readonly rotatedAt: string | null
  }
}
interface RootStep extends Step {
  readonly kind: 'root'
  readonly args: {
    readonly mount: string
    readonly connection: string
    readonly user: string
    readonly plugin: string | null
    readonly address: string | null
  }
}
type RotateStep = RoleStep | RootStep

/** Has the server's database engine give a user of the database a new password. */
export const rotateDatabaseCredentials: Action<VaultClient, DatabasePlace, RotateStep> & Irreversible = {
  name: 'rotate-database-credentials',
  title: 'Rotate database credentials',
  description: 'The database refuses the old password. The server made the new one and keeps it.',
  severity: 'high',
  irreversible: 'the server makes the new password itself and forgets the old one, so nothing can be restored',
  input: DatabasePlace,
  weigh: ({ role }) =>
    role === undefined
      ? { because: ['The server itself reaches the database by this user, and so does every role of the connection.'] }
      : { severity: 'medium', because: ['One static role, and not the whole connection.'] },
  mustType: ({ connection }) => connection,
  writes: ({ mount, role, connection }) => [
    role === undefined ? `${mount}/config/${connection}` : `${mount}/static-roles/${role}`,
  ],

  async plan(ctx, { mount, role, connection }) {
    mustBeCovered(ctx.client.settings, mount)
    const send = sendingFor(ctx, 'provisioning')
    if (role !== undefined) return [await planOfRole(send, mount, role)]
    if (connection !== undefined) return [await planOfRoot(send, mount, connection)]
    throw new TypeError('either a role or a connection must be given')
  },

  async execute(ctx, step): Promise<StepRecord> {
    const send = sendingFor(ctx, 'provisioning')
    switch (step.kind) {
      case 'role':
        return { record: { rotatedAt: await rotateRole(send, step.args) } }
      case 'root': {
        await rotateRoot(send, step.args)
        return { record: { rotated: true } }
      }
    }
  },

  async verify(ctx, steps) {
    const send = sendingFor(ctx, 'background')
    return Promise.all(steps.map((step) => (step.kind === 'role' ? roleRotated(send, step) : rootThere(send, step))))
  },
}

async function planOfRole(send: Send, mount: string, role: string): Promise<RoleStep> {
  const found = await readRole(send, mount, role)
  if (!found) {
    throw new BrokerError('input.invalid', `${mount} has no static role ${role}`, {
      field: 'input.role',
      fix: 'name a static role; the users of other roles are made for each lease, and revoking the lease removes them',
    })
  }
  const { user, connection, rotatedAt, periodSeconds } = found
  return {
    kind: 'role',
    target: `${mount}/rotate-role/${role}`,
    summary: `Gives the database user ${user ?? 'of this role'} a new password. The old password stops working for everybody.`,
    args: { mount, role, user, connection, rotatedAt },
    before: { user, connection, rotatedAt, periodSeconds },
  }
}

async function planOfRoot(send: Send, mount: string, connection: string): Promise<RootStep> {
  const found = await readConnection(send, mount, connection)
  if (!found) {
    throw new BrokerError('input.invalid', `${mount} has no connection ${connection}`, {
      field: 'input.connection',
      fix: 'correct its name',
    })
  }
  const { user, plugin, address } = found
  if (user === null) {
    throw new BrokerError('target.unsupported', `${mount} has no user for ${connection} whose password it could change`, {
      field: 'input.connection',
      fix: 'set `username` and `password` of the connection on the server',
    })
  }
  return {
    kind: 'root',
    target: `${mount}/rotate-root/${connection}`,
    summary: `Gives ${user}, the user of the server itself in the database, a password that nobody but the server will ever know.`,
    args: { mount, connection, user, plugin, address },
    before: { user, plugin, address },
  }
}

/** The time of the last rotation; one that came after the plan counts, by any hand. */
async function rotateRole(send: Send, { mount, role, user, connection, rotatedAt }: RoleStep['args']): Promise<string | null> {
  const since = async () => {
    const now = await readRole(send, mount, role)
    if (now?.user !== user || now?.connection !== connection) throw anotherUser(`static role ${role}`)
    return now.rotatedAt === rotatedAt ? undefined : now.rotatedAt
  }
  const already = await since()
  if (already !== undefined) return already
  const target = `${mount}/rotate-role/${role}`
  try {
    await quietly(send({ method: 'POST', path: [mount, 'rotate-role', role] }), target)
  } catch (error) {
    // The server may have done it and failed to say so.
    const now = isBrokerError(error, 'target.failed', 'target.timeout') ? await since() : undefined
    if (now === undefined) throw error
    return now
  }
  return (await since()) ?? null
}

/** Who was shown may not be who is behind the connection by now: it is looked at right before. */
async function rotateRoot(send: Send, { mount, connection, user, plugin, address }: RootStep['args']): Promise<void> {
  const now = await readConnection(send, mount, connection)
  if (now?.user !== user || now.plugin !== plugin || now.address !== address) throw anotherUser(`connection ${connection}`)
  await quietly(send({ method: 'POST', path: [mount, 'rotate-root', connection] }), `${mount}/rotate-root/${connection}`)
}

function anotherUser(what: string): BrokerError {
  return new BrokerError('target.conflict', `the ${what} is gone, or names a different user than when this was planned`, {
    fix: 'check whose password it is now, and start again',
  })
}

/** What a database says of a failure can name hosts and users: it stays in the server's own log. */
async function quietly(call: Promise<unknown>, target: string): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isBrokerError(error, 'target.failed', 'target.invalid')) throw error
    throw new BrokerError(error.code, `POST ${target} failed: the server could not change the password in the database`, {
      fix: 'check that the database answers, and that the server may change the user there; the server’s log has the database’s answer',
      requestId: error.requestId,
    })
  }
}

async function roleRotated(send: Send, { args: { mount, role, rotatedAt } }: RoleStep) {
  const call = getRole(mount, role)
  const now = await readRole(send, mount, role)
  if (!now) return evidenceOf(`static role ${mount}/${role}`, false, lookOf(call, await send(call), '404, not there'))
  const holds = now.rotatedAt !== null && now.rotatedAt !== rotatedAt
  const look = lookOf(call, now.answer, `${now.answer.status}, last rotated ${now.rotatedAt ?? 'never'}`)
  return evidenceOf(`static role ${mount}/${role}`, holds, look)
}

/** When it was rotated no server tells; that it is still there is what can be read back. */
async function rootThere(send: Send, { args: { mount, connection } }: RootStep) {
  const call = getConnection(mount, connection)
  const found = await readConnection(send, mount, connection)
  const answer = found?.answer ?? (await send(call))
  const words = found ? 'the server said that it rotated, but does not tell when' : 'not there'
  return evidenceOf(`connection ${mount}/${connection}`, found !== undefined, lookOf(call, answer, `${answer.status}, ${words}`))
}
