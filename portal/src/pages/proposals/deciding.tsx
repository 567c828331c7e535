import { Group, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { proposals } from '../../../../src/contract/endpoints/proposals.ts'
import type { ProposalView } from '../../../../src/contract/proposals.ts'
import { api } from '../../data/api.ts'
import { me } from '../../data/queries.ts'
import { proposal as asked, setupKeys } from '../../data/setup.ts'
import { useRole } from '../../parts/role.ts'
import { Sure } from '../../parts/sure.tsx'
import { setup as words } from '../../words-for-setup.ts'

/** Yes or no by a second person; who proposed it can only withdraw it. Whether somebody counts as a second person, the broker decides. */
export function Deciding({ proposal: { id, state, proposer } }: { readonly proposal: ProposalView }) {
  const client = useQueryClient()
  const { data: self } = useQuery(me())
  const mayDecide = useRole('admin', 'owner')
  const isOpen = state === 'open'
  if (!self || !mayDecide) return null
  const decide = (how: 'accept' | 'decline' | 'withdraw') => async () => {
    client.setQueryData(asked(id).queryKey, await api.call(proposals[how], { params: { id } }))
    await client.invalidateQueries({ queryKey: setupKeys.proposals })
  }
  if (self.id === proposer.id) {
    return (
      <>
        {isOpen && <Text>{words.proposal.own}</Text>}
        <Group>
          <Sure
            label={words.proposal.withdraw}
            yes={words.proposal.withdrawYes}
            no={words.leave}
            isPossible={isOpen}
            work={decide('withdraw')}
          />
        </Group>
      </>
    )
  }
  return (
    <Group>
      <Sure
        label={words.proposal.accept}
        yes={words.proposal.acceptYes}
        no={words.leave}
        isPossible={isOpen}
        work={decide('accept')}
      />
      <Sure
        label={words.proposal.decline}
        yes={words.proposal.declineYes}
        no={words.leave}
        isPossible={isOpen}
        work={decide('decline')}
      />
    </Group>
  )
}
