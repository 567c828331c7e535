import type { ApiClient } from '../api-client/api-client.ts'
import { certificateSources, certificates, targets } from '../contract/endpoints/distribution.ts'
import { integrations, resources } from '../contract/endpoints/integrations.ts'
import { rotations } from '../contract/endpoints/rotations.ts'
import type { ResourceView } from '../contract/integrations.ts'
import { BrokerError } from '../sdk/index.ts'

/** The id of a resource that is given by id or by its whole name; in the integration of that name, or in any. */
export async function resourceId(api: ApiClient, given: string, integration?: string): Promise<string> {
  if (/^res_[0-9a-z]{26}$/.test(given)) return given
  const named: ResourceView[] = []
  const isThere = ({ integrationName }: ResourceView) =>
    integration === undefined || integrationName.toLowerCase() === integration.toLowerCase()
  // `q` finds parts of names, the exact ones among them: `path` would read * and ** as wildcards.
  for await (const one of api.each(resources.search, { query: { q: given } }))
    if (one.name === given && isThere(one)) named.push(one)
  if (named.length === 1) return named[0]!.id
  if (named.length === 0) {
    const place = integration === undefined ? '' : ` in ${integration}`
    throw new BrokerError('not_found', `there is no resource called ${given}${place}`, {
      fix: `search for it: latchkey search ${given}`,
    })
  }
  const candidates = named.map(({ id, type, integrationName }) => `${id} (${type} in ${integrationName})`).join(', ')
  throw new BrokerError('input.invalid', `several resources are called ${given}`, {
    fix: `name the integration with --integration, or give the id of one: ${candidates}`,
  })
}

/** The id of an integration that is given by id or by name, whatever the case. */
export async function integrationId(api: ApiClient, given: string): Promise<string> {
  if (/^int_[0-9a-z]{26}$/.test(given)) return given
  return named(given, api.each(integrations.list), (names) =>
    names ? `existing integrations: ${names}` : 'ask an admin to make one (docs/getting-started.md)',
  )
}

/** The same for somebody who may not list integrations: those that have something they may ask for. */
export async function askableIntegrationId(api: ApiClient, given: string): Promise<string> {
  if (/^int_[0-9a-z]{26}$/.test(given)) return given
  return named(given, askable(api), (names) =>
    names ? `you may ask for access in: ${names}` : 'ask an admin for an access flow',
  )
}

async function* askable(api: ApiClient): AsyncGenerator<{ readonly id: string; readonly name: string }> {
  for await (const { integrationId: id, integrationName: name } of api.each(resources.search)) yield { id, name }
}

async function named(
  given: string,
  all: AsyncIterable<{ readonly id: string; readonly name: string }>,
  fix: (names: string) => string,
): Promise<string> {
  const names = new Set<string>()
  for await (const { id, name } of all) {
    if (name.toLowerCase() === given.toLowerCase()) return id
    names.add(name)
  }
  throw new BrokerError('not_found', `there is no integration called ${given}`, { fix: fix([...names].join(', ')) })
}

/** The id of a rotation that is given by id or by name, whatever the case. */
export async function rotationId(api: ApiClient, given: string): Promise<string> {
  if (/^rot_[0-9a-z]{26}$/.test(given)) return given
  const names: string[] = []
  for await (const { id, name } of api.each(rotations.list)) {
    if (name.toLowerCase() === given.toLowerCase()) return id
    names.push(name)
  }
  throw new BrokerError('not_found', `there is no rotation called ${given}`, {
    fix: names.length > 0 ? `existing rotations: ${names.join(', ')}` : 'ask an admin to make one (docs/rotation.md)',
  })
}

/** The id of a certificate source that is given by id or by name, whatever the case. */
export async function certificateSourceId(api: ApiClient, given: string): Promise<string> {
  if (/^cso_[0-9a-z]{26}$/.test(given)) return given
  for await (const { id, name } of api.each(certificateSources.list)) if (name.toLowerCase() === given.toLowerCase()) return id
  throw new BrokerError('not_found', `there is no certificate source called ${given}`, {
    fix: 'list them: latchkey certificate-sources',
  })
}

/** The id of a certificate that is given by id or by name, whatever the case; of several with one name none is taken. */
export async function certificateId(api: ApiClient, given: string): Promise<string> {
  if (/^crt_[0-9a-z]{26}$/.test(given)) return given
  const found: string[] = []
  for await (const { id, name, replacedBy } of api.each(certificates.list))
    if (replacedBy === null && name.toLowerCase() === given.toLowerCase()) found.push(id)
  if (found.length === 1) return found[0]!
  if (found.length === 0) {
    throw new BrokerError('not_found', `there is no certificate called ${given}`, { fix: 'latchkey certificates lists them' })
  }
  throw new BrokerError('input.invalid', `several certificates are called ${given}`, {
    fix: `give the id of one: ${found.join(', ')}`,
  })
}

/** Ids of targets that are given by ids or names, with commas between them. */
export async function targetIds(api: ApiClient, given: string): Promise<string[]> {
  const wanted = given.split(',').map((one) => one.trim())
  const known = new Map<string, string>()
  for await (const { id, name } of api.each(targets.list)) known.set(name.toLowerCase(), id)
  return wanted.map((one) => {
    const id = /^tgt_[0-9a-z]{26}$/.test(one) ? one : known.get(one.toLowerCase())
    if (id !== undefined) return id
    throw new BrokerError('not_found', `there is no target called ${one}`, { fix: 'latchkey targets lists them' })
  })
}
