import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { VaultServer } from '../dev/vault/vault-server.ts'

/** One answer the server gave, by its own account. */
export interface Answered {
  /** milliseconds since 1970, to the microsecond */
  readonly at: number
  readonly operation: string
  readonly path: string
  readonly served: boolean
  readonly user: string
}

export async function endOfAudit(vault: VaultServer): Promise<number> {
  return (await stat(vault.auditFile)).size
}

/** The server's answers from a place in its audit file on. */
export async function* answersSince(vault: VaultServer, start: number): AsyncGenerator<Answered> {
  for await (const text of createInterface({ input: createReadStream(vault.auditFile, { start }) })) {
    const line = JSON.parse(text)
    if (line.type !== 'response') continue
    yield {
      at: preciseTime(line.time),
      operation: line.request.operation,
      path: line.request.path,
      served: line.error === undefined,
      user: line.auth?.display_name ?? '',
    }
  }
}

/** When each path was deleted first, in milliseconds after `due`. */
export async function deletions(vault: VaultServer, start: number, prefix: string, due: number): Promise<number[]> {
  const first = new Map<string, number>()
  for await (const { at, operation, path, served } of answersSince(vault, start)) {
    if (operation === 'delete' && served && path.startsWith(prefix) && !first.has(path)) first.set(path, at - due)
  }
  return [...first.values()]
}

/** Each user's last answer that was no refusal, in milliseconds after `due`. */
export async function lastServed(vault: VaultServer, start: number, prefix: string, due: number): Promise<number[]> {
  const last = new Map<string, number>()
  for await (const { at, path, served, user } of answersSince(vault, start)) {
    if (served && path.startsWith(prefix)) last.set(user, at - due)
  }
  return [...last.values()]
}

// Date.parse stops at milliseconds.
function preciseTime(text: string): number {
  const [, digits = ''] = /\.(\d+)/.exec(text) ?? []
  return Date.parse(text.replace(/\.\d+/, '')) + Number(`0.${digits}`) * 1000
}
