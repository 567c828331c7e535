import { Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { CatalogEntry } from '../../../../src/contract/catalog.ts'
import type { AccessRule, ApprovalStage } from '../../../../src/contract/rules.ts'
import { inWords } from '../../parts/duration.ts'
import { Facts } from '../../parts/facts.tsx'
import { flows as words } from '../../words-for-flows.ts'
import { useNames } from './names.ts'
import { also, asOneStage, condition, namedIn, people, requesters, selection, stage } from './sentences.ts'

interface Given {
  readonly rule: AccessRule
  readonly plugin: CatalogEntry | undefined
}

/** A rule in plain sentences, all of it. */
export function RuleFacts({ rule, plugin }: Given) {
  const nameOf = useNames(namedIn(rule))
  const { conditions, windows, resources, maxSeconds, justification, fields, pendingSeconds, remindSeconds, notify } = rule
  const { approval, riskStages, extensions, delivery } = rule
  const staged = (stages: readonly ApprovalStage[]) =>
    stages.map((one, at) => (stages.length > 1 ? words.rule.stage(at + 1, stage(one, nameOf)) : stage(one, nameOf)))
  const approvers = (): string[] => {
    switch (approval.kind) {
      case 'automatic':
        return [words.approves.automatic]
      case 'approvers':
        return staged([asOneStage(approval)])
      case 'stages':
        return [...staged(approval.stages), ...(approval.mayRepeat ? [words.rule.mayRepeat] : [])]
      case 'emergency': {
        const reviewers = approval.reviewers ? people(approval.reviewers, nameOf) : words.rule.anyReviewer
        return [words.rule.alert(people(approval.alert, nameOf)), words.rule.reviewers(reviewers)]
      }
    }
  }
  return (
    <Stack className="lk-card" gap="sm">
      <Facts
        facts={{
          [words.rule.who]: <Lines lines={[requesters(rule, nameOf)]} />,
          [words.rule.condition]: conditions && <Lines lines={[condition(conditions)]} />,
          [words.rule.windows]: windows && <Lines lines={windows.map(words.rule.window)} />,
          [words.rule.resources]: <Lines lines={resources.map(selection)} />,
          [words.rule.permissions]: <Permitted of={rule.permissions} plugin={plugin} />,
          [words.rule.actions]: rule.actions && <Permitted of={rule.actions} plugin={plugin} />,
          [words.rule.longest]: words.rule.atMost(inWords(maxSeconds)),
          [words.rule.approval]: <Lines lines={approvers()} />,
          ...(riskStages && { [words.rule.risk[riskStages.from]]: <Lines lines={staged(riskStages.stages)} /> }),
          [words.rule.reason]: words.rule.reasons[justification],
          [words.rule.fields]: fields && fields.length > 0 && <Lines lines={fields.map(({ label }) => label)} />,
          [words.rule.pending]: pendingSeconds && words.rule.afterTime(inWords(pendingSeconds)),
          [words.rule.remind]: remindSeconds && words.rule.every(inWords(remindSeconds)),
          [words.rule.notify]: notify && <Lines lines={[people(notify, nameOf)]} />,
          [words.rule.delivery]: plugin?.deliveries.find(({ name }) => name === delivery)?.title ?? delivery,
          [words.rule.extensions]:
            extensions.count === 0
              ? words.rule.noExtension
              : words.rule.extension(extensions.count, inWords(extensions.maxSeconds)),
        }}
      />
    </Stack>
  )
}

/** For each kind of resource, in the words of its plugin. */
function Permitted({ of, plugin }: { readonly of: Readonly<Record<string, readonly string[]>> } & Pick<Given, 'plugin'>) {
  const lines = Object.entries(of).map(([id, chosen]) => {
    const type = plugin?.resourceTypes.find((one) => one.id === id)
    const titled = chosen.map(
      (one) =>
        type?.permissions.find((known) => known.id === one)?.title ??
        plugin?.actions.find(({ name }) => name === one)?.title ??
        one,
    )
    return `${type?.title ?? id}: ${also(titled)}`
  })
  return <Lines lines={lines} />
}

function Lines({ lines }: { readonly lines: readonly string[] }): ReactNode {
  return [...new Set(lines)].map((line) => (
    <Text key={line}>
      <bdi>{line}</bdi>
    </Text>
  ))
}
