import { Timeline as Line, Text } from '@mantine/core'
import type { GrantView, openingView, RevocationReceipt } from '../../../../src/contract/grants.ts'
import type { RequestView } from '../../../../src/contract/requests.ts'
import { inWords } from '../../parts/duration.ts'
import { Moment } from '../../parts/moment.tsx'
import { words } from '../../words.ts'

type Opening = (typeof openingView)['_output']

interface Told {
  readonly grant: GrantView
  readonly request: RequestView
  readonly opening: Opening | null
  readonly receipt: RevocationReceipt | null
}

interface Happened {
  readonly at: string
  readonly what: string
  readonly detail?: string | undefined
}

export function Timeline(told: Told) {
  const happened = storyOf(told)
  return (
    <Line active={happened.length} bulletSize={14} lineWidth={2}>
      {happened.map(({ at, what, detail }) => (
        <Line.Item key={`${at} ${what}`} title={<bdi>{what}</bdi>}>
          {detail && <bdi className="lk-text">{detail}</bdi>}
          <Text size="sm" c="dimmed">
            <Moment at={at} />
          </Text>
        </Line.Item>
      ))}
    </Line>
  )
}

function storyOf({ grant, request, opening, receipt }: Told): Happened[] {
  const { happened: story } = words.receipt
  const possible: (Happened | { readonly at: null; readonly what: string })[] = [
    {
      at: request.createdAt,
      what: story.asked(request.requester.name, inWords(request.seconds)),
      detail: request.justification || undefined,
    },
    ...request.approvals.map(({ at, approver, decision, reason, seconds }) => ({
      at,
      what: `${approver.name} ${words.request.decisions[decision]}${seconds === null ? '' : ` ${words.request.forTime(inWords(seconds))}`}`,
      detail: reason || undefined,
    })),
    { at: request.approvals.length === 0 ? request.decidedAt : null, what: story.automatic },
    { at: grant.beginsAt, what: story.began },
    { at: opening?.openedAt ?? null, what: story.opened(grant.grantee.name) },
    { at: opening?.collectedAt ?? null, what: story.collected },
    {
      at: receipt?.revokingAt ?? grant.revokingAt,
      what: story.ending[grant.endReason ?? ''] ?? story.endingOtherwise,
      detail: grant.endNote ?? undefined,
    },
    { at: receipt?.powerlessAt ?? grant.powerlessAt, what: story.powerless },
    { at: grant.endedAt, what: receipt ? story.proved : story.ended },
  ]
  return possible.filter((one): one is Happened => one.at !== null).toSorted((a, b) => a.at.localeCompare(b.at))
}
