import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer } from '../../../dev/vault/vault-server.ts'
import { within } from '../../support/database.ts'
import { paste } from '../../support/paste.ts'
import { startRelay } from '../../support/relay.ts'
import { addressOf } from './database-engine.ts'

const GUIDE = path.resolve(import.meta.dirname, '../../../docs/integrations/vault.md')

/** The blocks under one heading of the guide, by their language. */
function blockOf(heading: string, language: string): string {
  const text = readFileSync(GUIDE, 'utf8')
  const section = text.slice(text.indexOf(`${heading}\n`))
  const [, block] = new RegExp(`\`\`\`${language}\\n([\\s\\S]+?)\`\`\``).exec(section) ?? []
  if (block === undefined) throw new Error(`the guide has no ${language} under ${heading}`)
  return block
}

describe.each(await serversUnderTest())('A database engine on $product', (binary) => {
  it('is set up by the commands of the manual, and makes users that the database lets in and forgets', async () => {
    const postgres = inject('databaseUrl')
    const mark = randomBytes(4).toString('hex')
    const own = (text: string) =>
      text
        .replaceAll(/\bvault_engine\b/g, `vault_engine_${mark}`)
        .replaceAll(/\bapp_reader\b/g, `app_reader_${mark}`)
        .replaceAll(/(?<=role |username=|app_reader_\w+, )app\b/g, `app_${mark}`)
    const password = `engine-${mark}`
    const server = await startVaultServer({ binary })
    const relay = await startRelay(addressOf(postgres))
    const heading = '#### A database engine to rotate'
    const logsIn = async (user: string, secret: string) => {
      const client = new pg.Client({ host: '127.0.0.1', port: relay.port, database: 'postgres', user, password: secret })
      return client.connect().then(
        () => client.end().then(() => true),
        () => false,
      )
    }
    try {
      await within(postgres, (client) => client.query(own(blockOf(heading, 'sql')).replace('ENGINE_PASSWORD', password)))
      const command = binary.product === 'vault' ? 'vault' : 'bao'
      const lines = own(blockOf(heading, 'sh'))
        .replaceAll(/(^|\| )vault /gm, `$1${command} `)
        .replace('db.example.com:5432/shop?sslmode=verify-full', `127.0.0.1:${relay.port}/postgres?sslmode=disable`)
      const prefix = binary.product === 'vault' ? 'VAULT' : 'BAO'
      const variables = {
        [`${prefix}_ADDR`]: server.address,
        [`${prefix}_TOKEN`]: server.rootToken,
        [`${prefix}_NAMESPACE`]: '',
        ENGINE_PASSWORD: password,
      }
      const { commands } = await paste(binary, variables, lines.split('\n'))
      expect(
        commands.filter((line) => line.includes(password)),
        'no password in a list of processes',
      ).toEqual([])
      const role = (await server.api('GET', 'database/roles/day')).body.data
      expect(role).toMatchObject({ db_name: 'main', default_ttl: 3600, max_ttl: 86_400 })

      const app = (await server.api('GET', 'database/static-creds/app')).body.data
      expect(await logsIn(app.username, app.password)).toBe(true)
      expect(await logsIn(app.username, 'before')).toBe(false)
      const [first, second] = [await server.api('GET', 'database/creds/day'), await server.api('GET', 'database/creds/day')]
      expect(first.body.lease_duration).toBe(3600)
      expect(first.body.data.username).not.toBe(second.body.data.username)
      expect(await logsIn(first.body.data.username, first.body.data.password)).toBe(true)
      await server.api('POST', 'sys/leases/revoke', { lease_id: first.body.lease_id, sync: true })
      expect(await logsIn(first.body.data.username, first.body.data.password)).toBe(false)
      expect(await logsIn(second.body.data.username, second.body.data.password)).toBe(true)
    } finally {
      await server.api('POST', 'sys/leases/revoke-prefix/database/creds').catch(() => undefined)
      await within(postgres, (client) =>
        client.query(
          own('drop role if exists app; drop role if exists app_reader; drop role if exists vault_engine').replaceAll(
            'if exists app;',
            `if exists app_${mark};`,
          ),
        ),
      )
      await relay.close()
      await server.stop()
    }
  })
})
