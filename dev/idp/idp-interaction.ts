import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type Provider from 'oidc-provider'
import type { DevelopmentAccount } from './idp-accounts.ts'

type Accounts = ReadonlyMap<string, DevelopmentAccount>

/** The pages between the provider's question and its answer: who are you, and yes to everything. */
export async function answerInteraction(
  provider: Provider,
  accounts: Accounts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const details = await provider.interactionDetails(request, response)
  if (details.prompt.name === 'consent') {
    const consent = { grantId: await grantAll(provider, details) }
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true })
  }
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(choices(accounts))
    return
  }
  const accountId = new URLSearchParams(await text(request)).get('account') ?? ''
  if (!accounts.has(accountId)) {
    response.writeHead(400, { 'content-type': 'text/plain' }).end('there is no such account')
    return
  }
  await provider.interactionFinished(request, response, { login: { accountId } }, { mergeWithLastSubmission: false })
}

async function grantAll(provider: Provider, { grantId, session, params, prompt }: Details): Promise<string> {
  const { accountId } = session ?? {}
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant = existing ?? new provider.Grant({ accountId, clientId: String(params['client_id']) })
  const missing = prompt.details as {
    missingOIDCScope?: string[]
    missingOIDCClaims?: string[]
    missingResourceScopes?: Record<string, string[]>
  }
  if (missing.missingOIDCScope) grant.addOIDCScope(missing.missingOIDCScope.join(' '))
  if (missing.missingOIDCClaims) grant.addOIDCClaims(missing.missingOIDCClaims)
  for (const [resource, scopes] of Object.entries(missing.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '))
  }
  return grant.save()
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>

function choices(accounts: Accounts): string {
  const buttons = [...accounts].map(
    ([subject, { name, groups }]) =>
      `<form method="post"><button name="account" value="${escaped(subject)}">${escaped(name)} (${escaped(groups.join(', '))})</button></form>`,
  )
  return `<!doctype html><title>Development sign-in</title><h1>Development sign-in</h1>${buttons.join('')}`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)
}
