import { rows, type Tx } from '../../platform/postgres/database.ts'
import type { Concern } from '../../sdk/index.ts'

/** What discovery knows of things that an action is done to, in the same order; without tags: it has not seen that one. */
export async function tagsOf(
  tx: Tx,
  integrationId: string,
  concerns: readonly Concern[],
): Promise<(Concern & { readonly tags: Readonly<Record<string, string>> | undefined })[]> {
  const found = await rows<{ type: string; name: string; tags: Readonly<Record<string, string>> | null }>(
    tx,
    `select c.type, c.name, r.tags
     from rows from (jsonb_to_recordset($2::jsonb) as (type text, name text)) with ordinality as c (type, name, at)
     left join resources r on r.integration_id = $1 and r.type = c.type and r.name = c.name and r.gone_at is null order by c.at`,
    [integrationId, JSON.stringify(concerns)],
  )
  return found.map(({ type, name, tags }) => ({ type, name, tags: tags ?? undefined }))
}
