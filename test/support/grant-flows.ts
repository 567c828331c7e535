import { connectAnew, expectExact, expectNothingLeft, expectOneCredential, type Stage } from './stage.ts'
import type { Ask, Opened } from './world.ts'

interface Before {
  readonly grantId: string
  readonly opened?: Opened
}

/** A way that a grant goes, in three parts: what must stand before, what is struck, and what must be true afterwards. */
export interface GrantFlow {
  /** every call it makes of the server, in the order in which they come when nothing is in their way */
  readonly calls: readonly string[]
  prepare(stage: Stage): Promise<Before>
  /** may fail: the daemon may die under it */
  begin(stage: Stage, before: Before): Promise<unknown>
  settle(stage: Stage, before: Before): Promise<unknown>
}

const LONG = 3600

const WRITE_USER = 'POST auth/apono/users/:user'
const CUT_LOGINS = 'POST sys/leases/revoke-prefix/auth/apono/login/:user'
const REVOCATION = [
  'DELETE sys/policies/acl/:policy',
  'DELETE auth/apono/users/:user',
  CUT_LOGINS,
  'GET sys/internal/ui/mounts',
  'POST identity/lookup/entity',
  'DELETE identity/entity/id/:id',
  'GET auth/apono/users/:user',
  'LIST sys/leases/lookup/auth/apono/login/:user',
  'GET sys/internal/ui/mounts',
  'GET sys/policies/acl/:policy',
  'POST identity/lookup/entity',
]

export const FLOWS = {
  provision: {
    // The mounts are read for the plan that the request shows, and again for the one that is carried out.
    calls: [
      'GET sys/internal/ui/mounts',
      'GET sys/internal/ui/mounts',
      WRITE_USER,
      'GET sys/policies/acl/:policy',
      'POST sys/policies/acl/:policy',
    ],
    prepare: async () => ({ grantId: '' }),
    begin: ({ world }) => world.grant(world.alice, { seconds: LONG }),
    async settle(stage) {
      const [grant] = await stage.database.query<{ id: string }>('select id from grants where ended_at is null')
      if (!grant) return // struck before the request was taken down, and the caller was told so
      await stage.world.until(stage.world.alice, grant.id, 'active')
      await expectExact(stage, grant.id)
      await expectOneCredential(stage, grant.id, undefined)
    },
  },
  'open token': opening({}, [
    WRITE_USER,
    CUT_LOGINS,
    'POST auth/apono/login/:user',
    'POST auth/token/lookup-accessor',
    'LIST sys/leases/lookup/auth/apono/login/:user',
  ]),
  'open password': opening({ password: true }, ['GET sys/internal/ui/mounts', WRITE_USER, CUT_LOGINS]),
  expire: {
    calls: REVOCATION,
    prepare: (stage) => openedGrant(stage, { seconds: LONG }),
    async begin({ world, database }, { grantId }) {
      await database.query(
        `with due as (update due_work set run_at = now(), version = version + 1 where subject = $1 and kind = 'grant.end'),
           ended as (update grants set expires_at = now(), target_until = now() where id = $1)
         select pg_notify('due_work', 'cut')`,
        [grantId],
      )
      await world.until(world.alice, grantId, 'expired')
    },
    settle: ({ world }, { grantId }) => world.until(world.alice, grantId, 'expired'),
  },
  revoke: {
    calls: REVOCATION,
    prepare: (stage) => openedGrant(stage, { seconds: LONG }),
    async begin({ world }, { grantId }) {
      await world.alice.api.post(`/api/grants/${grantId}/give-back`)
      await world.until(world.alice, grantId, 'revoked')
    },
    settle: ({ world }, { grantId }) => world.until(world.alice, grantId, 'revoked'),
  },
} satisfies Record<string, GrantFlow>

/** Plays one flow while `meddle` does something to it. Whatever happens, afterwards it is as if nothing had. */
export async function play(
  stage: Stage,
  flow: GrantFlow,
  meddle: (begin: () => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  await connectAnew(stage)
  const before = await flow.prepare(stage)
  stage.proxy.begin()
  await meddle(() => flow.begin(stage, before))
  await flow.settle(stage, before)
  await expectNothingLeft(stage, before.opened)
}

/** Where a flow can be struck: `03 POST auth/apono/users/:user`, the call's place and name. */
export function boundaries(
  flow: Pick<GrantFlow, 'calls'>,
): { readonly label: string; readonly name: string; readonly nth: number }[] {
  return flow.calls.map((name, index) => ({
    label: `${String(index + 1).padStart(2, '0')} ${name}`,
    name,
    nth: flow.calls.slice(0, index + 1).filter((each) => each === name).length,
  }))
}

function opening(ask: { password?: boolean }, calls: readonly string[]): GrantFlow {
  return {
    calls,
    prepare: (stage) => openedGrant(stage, { seconds: LONG, ...(ask.password && { flowId: stage.passwords.id }) }),
    begin: ({ world }, { grantId }) => world.alice.api.post(`/api/grants/${grantId}/open`),
    async settle(stage, { grantId, opened }) {
      await stage.world.until(stage.world.alice, grantId, 'active')
      await expectExact(stage, grantId)
      await expectOneCredential(stage, grantId, opened)
    },
  }
}

async function openedGrant({ world }: Stage, ask: Ask): Promise<Before> {
  const grantId = await world.grant(world.alice, ask)
  return { grantId, opened: await world.open(world.alice, grantId) }
}
