import { BrokerError } from '../../../src/sdk/index.ts'
import type { VaultSettings } from '../client.ts'
import { policyCovers } from '../config.ts'
import type { Send } from '../send.ts'

const NOBODYS = ['root', 'response-wrapping']

/** Throws unless the broker may change this policy: the integration names it, and nothing of the broker's own hangs on it. */
export async function mustBeChangeable(
  send: Send,
  { policies, policyName, policyPrefix }: Pick<VaultSettings, 'policies' | 'policyName' | 'policyPrefix'>,
  name: string,
): Promise<void> {
  const refuse = (why: string, fix: string) => {
    throw new BrokerError('input.invalid', `the policy ${name} ${why}`, { field: 'input.name', fix })
  }
  if (NOBODYS.includes(name)) refuse('belongs to the server itself', 'choose another policy')
  if (name === policyName)
    refuse(
      'is the broker’s own policy, so the broker would give itself rights',
      'ask an administrator of the server to change it',
    )
  if (name.startsWith(policyPrefix)) refuse('belongs to a grant', 'end or extend the grant')
  if (!policies.some((pattern) => policyCovers(pattern, name)))
    refuse(
      'is not in the list of policies that this integration may change',
      'add it to the integration’s `policies`, and to the broker’s policy',
    )
  if ((await policiesOfOurToken(send)).includes(name))
    refuse(
      'is a policy of the broker’s own token, so the broker would give itself rights',
      'ask an administrator of the server to change it',
    )
}

async function policiesOfOurToken(send: Send): Promise<string[]> {
  const { data } = await send({ method: 'GET', path: ['auth/token/lookup-self'], repeatable: true })
  return [data['policies'], data['identity_policies']].flatMap((names) => (Array.isArray(names) ? names.map(String) : []))
}
