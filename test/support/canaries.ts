import { randomBytes } from 'node:crypto'
import type { Broker } from './broker.ts'

/** Secrets that are planted to see where they come up again. */
export class Canaries {
  private readonly planted = new Map<string, string>()

  get size(): number {
    return this.planted.size
  }

  /** Remembers a secret by what it is; makes one up unless it is given. */
  plant(what: string, value = `canary-${randomBytes(12).toString('hex')}`): string {
    if (![...this.planted.values()].includes(value)) this.planted.set(`${what} (${this.size + 1})`, value)
    return value
  }

  /** Every place in which one came up. */
  leaksIn(places: ReadonlyMap<string, string>): string[] {
    return [...this.planted].flatMap(([what, secret]) => {
      const forms = formsOf(secret)
      return [...places].flatMap(([place, text]) => {
        const form = forms.find((one) => text.includes(one))
        return form === undefined ? [] : [`${what} is in ${place}, as ${form === secret ? 'it is' : `${form.slice(0, 8)}…`}`]
      })
    })
  }
}

/** The forms in which a secret may leak: whole, in part, encoded. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  // In base64 the beginning depends on what stands before it; the middle of it does not, at three offsets.
  const shifted = [0, 1, 2].map((offset) => bytes.subarray(offset).toString('base64').slice(4, -6))
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('base64url'),
    ...shifted,
  ]
  if (secret.length >= 24) forms.push(secret.slice(0, 18), secret.slice(-18))
  return [...new Set(forms)].filter((form) => form.length >= 12)
}

/** What a broker keeps and tells by itself: its log, its metrics, the trail as it is exported, and every table. */
export async function surfacesOf({ log, api, admin, database }: Broker): Promise<Map<string, string>> {
  const places = new Map([
    ['the log', log.join('')],
    ['/metrics', (await api().get('/metrics')).text],
    ['the export', (await admin.get('/api/audit/export')).text],
    ['the export as CSV', (await admin.get('/api/audit/export?format=csv')).text],
  ])
  const tables = await database.query<{ name: string }>(`select tablename as name from pg_tables where schemaname = 'public'`)
  for (const { name } of tables) {
    const rows = await database.query<{ row: string }>(`select to_jsonb(t)::text || ' ' || t::text as row from ${name} t`)
    places.set(`table ${name}`, rows.map(({ row }) => row).join('\n'))
  }
  return places
}
