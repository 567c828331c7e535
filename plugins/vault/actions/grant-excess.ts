import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Json, Step } from '../../../src/sdk/index.ts'
import type { PolicyDocument } from '../policy.ts'

// As an earlier version of the broker wrote them, too: what cannot be read was not approved.
const UserArgs = z.object({ mount: z.string(), username: z.string(), policy: z.string() })
const PolicyArgs = z.object({
  name: z.string(),
  document: z.strictObject({ path: z.record(z.string(), z.strictObject({ capabilities: z.array(z.string()) })) }),
})

/**
 * What a planned grant would do more than the approved one. The accessor of the mount may differ: it only finds what is to be removed, and
 * a mount that was disabled and enabled again has another. So may the wording of a sentence, and a policy may allow less.
 */
export function excessOf(approved: readonly Step[], planned: readonly Step[]): string | undefined {
  for (const step of planned) {
    const before = approved.find(({ kind }) => kind === step.kind)
    if (!before) return `a step more: ${step.kind} ${step.target}`
    if (before.target !== step.target) return `${step.target} and not ${before.target}`
    const excess = step.kind === 'policy' ? policyExcess(before.args, step.args) : userExcess(before.args, step.args)
    if (excess !== undefined) return excess
  }
  return planned.length > approved.length ? 'more steps' : undefined
}

function userExcess(before: Json, now: Json): string | undefined {
  const [approved, planned] = [UserArgs.safeParse(before).data, UserArgs.safeParse(now).data]
  return approved && isDeepStrictEqual(approved, planned) ? undefined : 'another user'
}

function policyExcess(before: Json, now: Json): string | undefined {
  const [approved, planned] = [PolicyArgs.safeParse(before).data, PolicyArgs.safeParse(now).data]
  if (!approved || !planned || approved.name !== planned.name) return 'another policy'
  return documentExcess(approved.document as PolicyDocument, planned.document as PolicyDocument)
}

function documentExcess(approved: PolicyDocument, planned: PolicyDocument): string | undefined {
  for (const [path, { capabilities }] of Object.entries(planned.path)) {
    const allowed: readonly string[] = Object.hasOwn(approved.path, path) ? approved.path[path]!.capabilities : []
    const more = capabilities.filter((capability) => !allowed.includes(capability))
    if (more.length > 0) return `${more.join(', ')} on ${path}`
  }
  return undefined
}
