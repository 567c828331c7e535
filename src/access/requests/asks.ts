import { Injectable } from '@nestjs/common'
import type { AskedResource } from '../../approvals/requests/request.ts'
import type { NewRequest } from '../../contract/requests.ts'
import type { AccessRule } from '../../contract/rules.ts'
import { USUAL_SECONDS } from '../../contract/time.ts'
import { inSight, type Sight } from '../../integrations/resources/sight.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type Concern } from '../../sdk/index.ts'
import type { Ask } from '../rules/evaluate.ts'

/** What is asked for while it is open under which flow, and so how long it is where nobody said. */
export type OpenAsk = Omit<Ask, 'seconds'> & { readonly seconds: number | undefined }

interface Wanted {
  readonly resourceId: string
  readonly permissions: readonly string[]
}

/** Turns what somebody typed into resources as the broker knows them now. */
@Injectable()
export class Asks {
  /** What somebody is not told of is for them as if it were not there. */
  async read(tx: Tx, wanted: NewRequest, sight: Sight): Promise<OpenAsk> {
    const list = wanted.bundleId ? await this.bundle(tx, wanted.bundleId) : (wanted.resources ?? [])
    const permissions = new Map<string, Set<string>>()
    for (const { resourceId, permissions: asked } of list) {
      permissions.set(resourceId, new Set([...(permissions.get(resourceId) ?? []), ...asked]))
    }
    const found = new Map((await readResources(tx, [...permissions.keys()], sight)).map((resource) => [resource.id, resource]))
    for (const [i, { resourceId }] of list.entries()) {
      if (found.has(resourceId)) continue
      throw wanted.bundleId ? noSuchBundle(wanted.bundleId) : unseen(sight, resourceId, `resources.${i}.resourceId`)
    }
    const resources = [...permissions].map(([id, asked]) => ({ ...found.get(id)!, permissions: [...asked].sort() }))
    const other = resources.findIndex((resource) => resource.integrationId !== resources[0]!.integrationId)
    if (other > 0) {
      throw new BrokerError('input.invalid', 'belongs to a different integration than the first resource', {
        field: `resources.${other}.resourceId`,
        fix: 'make a request for each integration',
      })
    }
    const { seconds, justification, fields, emergency } = wanted
    return { resources, seconds, justification, fields, emergency }
  }

  /** What an action is done to, as far as it was discovered and somebody is told of it; asked for is the action itself. */
  async concerned(
    tx: Tx,
    integrationId: string,
    concerns: readonly Concern[],
    action: string,
    sight: Sight,
  ): Promise<AskedResource[]> {
    const ids = await rows<{ id: string }>(
      tx,
      `select r.id from resources r join jsonb_to_recordset($2::jsonb) as c (type text, name text) on c.type = r.type and c.name = r.name
       where r.integration_id = $1 and r.gone_at is null`,
      [integrationId, JSON.stringify(concerns)],
    )
    const seen = await readResources(
      tx,
      ids.map(({ id }) => id),
      sight,
    )
    if (concerns.length === 0 || seen.length < concerns.length) return []
    return seen.map((resource) => ({ ...resource, permissions: [action] }))
  }

  private async bundle(tx: Tx, id: string): Promise<Wanted[]> {
    const found = await rows<Wanted>(
      tx,
      'select resource_id as "resourceId", permissions from bundle_resources where bundle_id = $1 order by resource_id',
      [id],
    )
    if (found.length > 0) return found
    throw noSuchBundle(id)
  }
}

/** How long it is for: where nobody said, an hour, or as long as the flow allows where that is shorter. */
export function secondsUnder({ maxSeconds }: Pick<AccessRule, 'maxSeconds'>, asked: number | undefined): number {
  return asked ?? Math.min(USUAL_SECONDS, maxSeconds)
}

function noSuchBundle(id: string): BrokerError {
  return new BrokerError('input.invalid', `there is no bundle ${id}`, { field: 'bundleId', fix: 'see GET /api/bundles' })
}

function unseen(sight: Sight, id: string, field: string): BrokerError {
  if (sight === 'all')
    return new BrokerError('input.invalid', `there is no resource ${id}`, { field, fix: 'search for it again' })
  return new BrokerError('access.denied', `no access flow lets you ask for ${id}`, {
    field,
    fix: 'search for it again, or ask an admin for an access flow that covers it',
  })
}

function readResources(tx: Tx, ids: readonly string[], sight: Sight): Promise<Omit<AskedResource, 'permissions'>[]> {
  const values: unknown[] = [ids]
  const seen = inSight(sight, (value) => `$${values.push(value)}`)
  return rows(
    tx,
    `select r.id, r.type, r.name, r.tags, r.attributes, r.ungrantable, r.gone_at is not null as gone, r.integration_id as "integrationId"
     from resources r where r.id = any($1) and ${seen}`,
    values,
  )
}
