import { Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { Database, rows } from '../../platform/postgres/database.ts'

// How long a login is lost before people are told, and how long no replica finds it lost before it is well again.
const ALARM_AFTER_MS = 60_000
const WELL_AFTER_MS = 15_000

/** Says of each login that is lost for long, and of its return, once for all replicas: what is recorded here is written to people. */
@Injectable()
export class SessionAlarm {
  alarmAfterMs = ALARM_AFTER_MS

  constructor(private readonly database: Database) {}

  /** @param lost by integration what is wrong, as this replica finds it; @param kept those whose login it has */
  async look(lost: ReadonlyMap<string, string>, kept: readonly string[]): Promise<void> {
    if (lost.size > 0) await this.note(lost)
    if (kept.length > 0) await this.clear(kept)
  }

  private async note(lost: ReadonlyMap<string, string>): Promise<void> {
    const ids = [...lost.keys()]
    await this.database.transaction(async (tx) => {
      const long = await rows<{ id: `int_${string}`; name: string; isLong: boolean }>(
        tx,
        `with lost as (
           select id, coalesce(session_lost_since, clock_timestamp()) as since, session_lost_told as told from integrations
           where id = any($1) and state = 'active' and serves = 'access' order by id for update)
         update integrations i set session_lost_since = lost.since, session_lost_seen = clock_timestamp(),
           session_lost_told = lost.told or lost.since <= clock_timestamp() - $2 * interval '1 ms'
         from lost where i.id = lost.id
         returning i.id, i.name, i.session_lost_told and not lost.told as "isLong"`,
        [ids, this.alarmAfterMs],
      )
      for (const { id, name, isLong } of long) {
        if (!isLong) continue
        const message = lost.get(id) ?? ''
        await record(tx, { kind: 'integration.session_lost', actor: BROKER, subject: id, data: { name, message } })
      }
    })
  }

  private async clear(kept: readonly string[]): Promise<void> {
    await this.database.transaction(async (tx) => {
      const well = await rows<{ id: `int_${string}`; name: string; told: boolean }>(
        tx,
        `with well as (
           select id, session_lost_told as told from integrations
           where id = any($1) and session_lost_seen <= clock_timestamp() - $2 * interval '1 ms' order by id for update)
         update integrations i set session_lost_since = null, session_lost_seen = null, session_lost_told = false
         from well where i.id = well.id returning i.id, i.name, well.told`,
        [kept, WELL_AFTER_MS],
      )
      for (const { id, name, told } of well) {
        if (told) await record(tx, { kind: 'integration.session_back', actor: BROKER, subject: id, data: { name } })
      }
    })
  }
}
