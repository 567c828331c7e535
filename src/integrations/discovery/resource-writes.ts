import { newId } from '../../platform/ids.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import type { Described } from '../../sdk/index.ts'
import type { Found, StoredResource } from './folder-diff.ts'

/** Rows in one statement. */
const CHUNK = 5_000

const STORED = 'id, type, name, folder, attributes, tags, ungrantable'

export function storedIn(tx: Tx, integrationId: string, folders: readonly string[]): Promise<StoredResource[]> {
  return rows(tx, `select ${STORED} from resources where integration_id = $1 and folder = any($2) and gone_at is null`, [
    integrationId,
    folders,
  ])
}

/** Folders that hold something. */
export async function knownFolders(tx: Tx, integrationId: string): Promise<string[]> {
  const found = await rows<{ folder: string }>(
    tx,
    'select distinct folder from resources where integration_id = $1 and gone_at is null',
    [integrationId],
  )
  return found.map(({ folder }) => folder)
}

/** The next resources in the order of type and name. */
export function storedAfter(
  tx: Tx,
  integrationId: string,
  [type, name]: readonly [type: string, name: string],
  limit: number,
): Promise<StoredResource[]> {
  return rows(
    tx,
    `select ${STORED} from resources where integration_id = $1 and gone_at is null and (type, name) > ($2, $3) order by type, name limit $4`,
    [integrationId, type, name, limit],
  )
}

/** Writes what is new or back again. Counts which was which. */
export async function writeFresh(tx: Tx, integrationId: string, fresh: readonly Found[]) {
  let added = 0
  let returned = 0
  for (const part of chunks(fresh)) {
    const counted = await row<{ added: number; returned: number }>(
      tx,
      `with put as (
         insert into resources as r (id, integration_id, type, name, folder, attributes, tags, ungrantable)
         select id, $1, type, name, folder, attributes, coalesce(tags, '{}'), ungrantable
         from jsonb_to_recordset($2::jsonb)
           as n (id text, type text, name text, folder text, attributes jsonb, tags jsonb, ungrantable text)
         on conflict (integration_id, type, name) do update
           set folder = excluded.folder, attributes = excluded.attributes, tags = excluded.tags, ungrantable = excluded.ungrantable,
             gone_at = null, changed_at = clock_timestamp()
         returning xmax = 0 as added)
       select (count(*) filter (where added))::int as added, (count(*) filter (where not added))::int as returned from put`,
      [integrationId, JSON.stringify(part.map((resource) => ({ id: newId('res'), ...resource })))],
    )
    added += counted?.added ?? 0
    returned += counted?.returned ?? 0
  }
  return { added, returned }
}

/** Writes what a page has and the row has not. What only `describe` knows stays. */
export async function writeChanged(tx: Tx, changed: readonly (Found & { id: string })[]): Promise<void> {
  for (const part of chunks(changed)) {
    await rows(
      tx,
      `update resources r set folder = n.folder, attributes = r.attributes || n.attributes, tags = coalesce(n.tags, r.tags),
         ungrantable = n.ungrantable, changed_at = clock_timestamp()
       from jsonb_to_recordset($1::jsonb) as n (id text, folder text, attributes jsonb, tags jsonb, ungrantable text)
       where r.id = n.id`,
      [JSON.stringify(part)],
    )
  }
}

export async function writeDescribed(tx: Tx, described: readonly (Described & { id: string })[]): Promise<void> {
  for (const part of chunks(described)) {
    await rows(
      tx,
      `update resources r set tags = n.tags, attributes = r.attributes || coalesce(n.attributes, '{}'), changed_at = clock_timestamp()
       from jsonb_to_recordset($1::jsonb) as n (id text, tags jsonb, attributes jsonb) where r.id = n.id`,
      [JSON.stringify(part)],
    )
  }
}

/** Marks as gone what a walk that began at `since` did not see. What was written since then was seen. */
export async function retire(
  tx: Tx,
  integrationId: string,
  which: { readonly column: 'id' | 'folder'; readonly values: readonly string[] },
  since: Date,
): Promise<number> {
  const gone = await rows(
    tx,
    `update resources set gone_at = clock_timestamp(), changed_at = clock_timestamp()
     where integration_id = $1 and ${which.column} = any($2) and gone_at is null and changed_at < $3 returning 1`,
    [integrationId, which.values, since],
  )
  return gone.length
}

export function* chunks<T>(items: readonly T[], size = CHUNK): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
