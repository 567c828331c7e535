import { Stack } from '@mantine/core'
import type { RequestView } from '../../../../src/contract/requests.ts'
import { inWords } from '../../parts/duration.ts'
import { Fact, Facts } from '../../parts/facts.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Section } from '../../parts/page.tsx'
import { listed } from '../../parts/people.ts'
import { Plan } from '../../parts/plan.tsx'
import { Resources } from '../../parts/resources.tsx'
import { words } from '../../words.ts'

/** Who, what, how long, why; what it would do; who said what about it. */
export function RequestFacts({ request }: { readonly request: RequestView }) {
  const { requester, resources, asked, seconds, approvedSeconds, justification, flow, emergency, action } = request
  const { fields, fieldLabels } = request
  return (
    <>
      <Stack className="lk-card" gap="sm">
        <Facts
          facts={{
            [words.request.who]: (
              <>
                <bdi className="lk-name">{requester.name}</bdi>{' '}
                <bdi className="lk-dim">{[requester.userName, requester.email].filter(Boolean).join(', ')}</bdi>
              </>
            ),
            [words.request.what]: action ? <bdi>{asked}</bdi> : <Resources resources={resources} />,
            [words.request.howLong]: action ? null : lengthOf(seconds, approvedSeconds),
            [words.request.why]: justification && <bdi className="lk-text">{justification}</bdi>,
            [words.request.emergency]: emergency ? words.request.yes : null,
            [words.request.rule]: <bdi>{flow.name}</bdi>,
            [words.request.asked]: <Moment at={request.createdAt} />,
            [words.request.waits]: waitsFor(request),
            [words.request.until]: request.state === 'pending' ? <Moment at={request.expiresAt} /> : null,
            [words.request.ended]: request.endReason,
          }}
        >
          {Object.entries(fields).map(([key, value]) => (
            <Fact key={key} name={<bdi>{fieldLabels[key] ?? key}</bdi>}>
              <bdi>{answerInWords(value)}</bdi>
            </Fact>
          ))}
        </Facts>
      </Stack>
      {request.approvals.length > 0 && <Said approvals={request.approvals} />}
      <Section title={words.request.plan}>
        <Plan steps={request.steps} />
      </Section>
    </>
  )
}

function Said({ approvals }: Pick<RequestView, 'approvals'>) {
  return (
    <Section title={words.request.said}>
      {approvals.map(({ approver, decision, reason, seconds, at }) => (
        <Stack key={`${approver.id} ${at}`} className="lk-row" gap={2}>
          <span>
            <bdi className="lk-name">{approver.name}</bdi> {words.request.decisions[decision]}
            {seconds === null ? '' : ` ${words.request.forTime(inWords(seconds))}`}
          </span>
          {reason && <bdi className="lk-text">{reason}</bdi>}
          <span className="lk-dim">
            <Moment at={at} />
          </span>
        </Stack>
      ))}
    </Section>
  )
}

function answerInWords(value: RequestView['fields'][string]): string {
  return typeof value === 'boolean' ? words.yesOrNo(value) : String(value)
}

function lengthOf(seconds: number, approved: number | null): string {
  if (approved === null || approved === seconds) return inWords(seconds)
  return words.request.shortened(inWords(approved), inWords(seconds))
}

function waitsFor({ state, undecidable, waitsFor: parties = [] }: RequestView): string | null {
  if (state !== 'pending') return null
  if (undecidable || parties.length === 0) return words.request.undecidable
  return parties.map(({ missing, people }) => words.request.missing(missing, listed(people))).join(words.request.andAlso)
}
