import { z } from 'zod'
import { BrokerError, type Evidence, type Look } from '../../../src/sdk/index.ts'
import type { VaultAnswer, VaultCall } from '../../../vault/index.ts'
import { evidenceOf, lookOf, saidOf } from '../evidence.ts'
import { readMounts } from '../mounts.ts'
import type { Send } from '../send.ts'

/** A user as the identity store knows it: by its name and the accessor of its mount. */
export interface AliasOwner {
  readonly mount: string
  readonly username: string
  /** of the mount, when the user was made; unknown for users made before it was written down */
  readonly accessor?: string
}

const Entity = z.object({
  id: z.string(),
  name: z.string(),
  policies: z.array(z.string()).nullish(),
  merged_entity_ids: z.array(z.string()).nullish(),
  direct_group_ids: z.array(z.string()).nullish(),
  aliases: z.array(z.object({ id: z.string(), name: z.string(), mount_accessor: z.string() })),
})
type Entity = z.infer<typeof Entity>

/** The name that a server gives an entity which a login made; OpenBao adds the namespace's id. */
const MADE_BY_LOGIN = /^entity_[0-9a-f]{8,}(?:\.\w+)?$/

/**
 * The mount's accessor, by which the identity store knows it. Read each time: a mount that was disabled and enabled again has another
 * one, and under the old one nothing would be found.
 */
export async function accessorNow(send: Send, mount: string): Promise<string> {
  const accessor = (await readMounts(send)).auth.get(mount)?.accessor
  if (accessor !== undefined) return accessor
  throw new BrokerError('target.not_found', `there is no mount auth/${mount} that the broker may use`, {
    fix: `enable it: vault auth enable -path=${mount} userpass`,
  })
}

/**
 * Every first login makes an entity that nothing else removes. One that is a person's, because the user was merged into it or an alias
 * of that person stands in it, stays: only the user's own alias goes.
 */
export async function removeAlias(send: Send, owner: AliasOwner): Promise<void> {
  for (const accessor of await accessorsOf(send, owner)) {
    const entity = entityIn(await send(entityLookup(owner, accessor)))
    const alias = entity && aliasIn(entity, owner, accessor)
    if (!entity || !alias) continue
    const path = isOfTheLogin(entity) ? ['identity/entity/id', entity.id] : ['identity/entity-alias/id', alias.id]
    await send({ method: 'DELETE', path, accept: isOfTheLogin(entity) ? [] : [403], repeatable: true })
  }
}

/** That the user left nothing in the identity store; or what it left in a person's entity, and why that may stay. */
export async function aliasGone(
  send: Send,
  owner: AliasOwner,
  accessors: readonly string[],
  audited?: boolean,
): Promise<Evidence> {
  const artefact = `identity entity of ${owner.username}`
  const looks: Look[] = []
  for (const accessor of accessors) {
    const call = entityLookup(owner, accessor)
    const answer = await send(call)
    const entity = entityIn(answer)
    const isGone = answer.status === 204
    const isOfAPerson = entity !== undefined && !isOfTheLogin(entity)
    const said = isOfAPerson ? `${answer.status}, its alias is in the entity ${entity.name}` : saidOf(answer, isGone)
    const look = lookOf(call, answer, `${said}${accessors.length > 1 ? which(owner, accessor) : ''}`)
    looks.push(look)
    if (isGone) continue
    const evidence = evidenceOf(artefact, false, look, { looks, audited })
    if (!isOfAPerson) return evidence
    return {
      ...evidence,
      mayStay: `the alias is in a person’s entity, and the broker’s policy does not let the broker remove it. Nobody can log in with it. Remove it: vault delete identity/entity-alias/id/${aliasIn(entity, owner, accessor)?.id}`,
    }
  }
  const last = looks.at(-1)
  if (!last) throw new TypeError('a user has a mount')
  return evidenceOf(artefact, true, last, { looks, audited })
}

/** The identity store knows a mount by its accessor alone, and one that was made again has another. */
function which({ mount, accessor: then }: AliasOwner, accessor: string): string {
  return accessor === then ? `; auth/${mount} was ${accessor} then` : `; auth/${mount} is ${accessor} now`
}

/** The mount's accessor now and, if it was another when the user was made, that one: the server keeps aliases of mounts that are gone. */
export async function accessorsOf(send: Send, { mount, accessor: then }: AliasOwner): Promise<string[]> {
  const now = await accessorNow(send, mount)
  return then === undefined || then === now ? [now] : [now, then]
}

function entityLookup({ username }: AliasOwner, accessor: string): VaultCall {
  return {
    method: 'POST',
    path: ['identity/lookup/entity'],
    body: { alias_name: username, alias_mount_accessor: accessor },
    repeatable: true,
  }
}

function entityIn({ status, data }: VaultAnswer): Entity | undefined {
  if (status === 204) return undefined
  const entity = Entity.safeParse(data)
  return entity.success ? entity.data : undefined
}

function aliasIn({ aliases }: Entity, { username }: AliasOwner, accessor: string) {
  return aliases.find((alias) => alias.name === username && alias.mount_accessor === accessor)
}

/** Whether the entity is what a login of the user made, and nobody put anything into it. */
function isOfTheLogin({ name, aliases, policies, merged_entity_ids: merged, direct_group_ids: groups }: Entity): boolean {
  return aliases.length === 1 && MADE_BY_LOGIN.test(name) && !policies?.length && !merged?.length && !groups?.length
}
