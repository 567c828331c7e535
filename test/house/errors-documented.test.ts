import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runMachine } from '../../src/actions/run-machine.ts'
import { requestMachine } from '../../src/approvals/requests/request-machine.ts'
import { proposalMachine } from '../../src/changes/proposal-machine.ts'
import { grantState, openingView, stepView } from '../../src/contract/grants.ts'
import { ROLES, SCOPES } from '../../src/contract/identity.ts'
import { discoveryRun } from '../../src/contract/integrations.ts'
import { proposalState } from '../../src/contract/proposals.ts'
import { requestState } from '../../src/contract/requests.ts'
import { grantMachine } from '../../src/grants/grant-machine.ts'
import { openingMachine } from '../../src/grants/opening/opening-machine.ts'
import { integrationMachine } from '../../src/integrations/integration-machine.ts'
import { turnMachine } from '../../src/rotation/turn-machine.ts'
import { ERRORS } from '../../src/sdk/errors.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'

const root = path.resolve(import.meta.dirname, '../..')
const page = readFileSync(path.join(root, 'docs/errors.md'), 'utf8')
const documented = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

describe('docs/errors.md', () => {
  it('lists the errors there are, in their order, with status, retry and meaning', () => {
    const known = Object.entries(ERRORS).map(([code, { status, retryable, meaning }]) => [
      `\`${code}\``,
      String(status),
      retryable ? 'yes' : 'no',
      meaning,
    ])
    expect(documented.map((cells) => cells.slice(0, 4))).toEqual(known)
  })

  it('says of each what to do', () => {
    expect(documented.filter((cells) => (cells[4] ?? '').length < 15).map(([code]) => code)).toEqual([])
  })
})

describe('every error', () => {
  it('is made somewhere', () => {
    const sources = globSync(['{src,plugins,vault}/**/*.ts'], { cwd: root }).filter((file) => file !== 'src/sdk/errors.ts')
    const text = sources.map((file) => readFileSync(path.join(root, file), 'utf8')).join('\n')
    expect(Object.keys(ERRORS).filter((code) => !text.includes(`'${code}'`))).toEqual([])
  })
})

describe('the tables of states', () => {
  let database: FreshDatabase
  beforeAll(async () => {
    database = await freshDatabase()
  })
  afterAll(() => database?.drop())

  async function allowedBy(constraint: string): Promise<string[]> {
    const [row] = await database.query<{ text: string }>(
      'select pg_get_constraintdef(oid) as text from pg_constraint where conname = $1',
      [constraint],
    )
    return [...(row?.text ?? '').matchAll(/'([^'{}]+)'/g)].map(([, value]) => value!).sort()
  }

  it.each([
    ['access_requests_state_known', requestMachine.states],
    ['grants_state_known', grantMachine.states],
    ['action_runs_state_known', runMachine.states],
    ['grants_state_known', grantState.options],
    ['access_requests_state_known', requestState.options],
    ['proposals_state_known', proposalMachine.states],
    ['proposals_state_known', proposalState.options],
    ['rotation_turns_state_known', turnMachine.states],
    ['action_steps_state_known', stepView.shape.state.options],
    ['openings_state_known', openingView.shape.state.options],
    ['openings_state_known', openingMachine.states],
    ['integrations_state_known', integrationMachine.states],
    ['discovery_runs_state_known', discoveryRun.shape.state.options],
    ['users_roles_known', ROLES],
    ['api_tokens_scopes_known', SCOPES],
  ])('are what the database allows: %s', async (constraint, states) => {
    expect(await allowedBy(constraint)).toEqual([...states].sort())
  })

  it('lead every unfinished thing to an end, and nothing out of one', () => {
    for (const { states, arrows, isFinal } of [
      requestMachine,
      grantMachine,
      runMachine,
      proposalMachine,
      turnMachine,
      openingMachine,
      integrationMachine,
    ]) {
      const rows = arrows as Record<string, Record<string, string>>
      for (const state of states) {
        if (isFinal(state as never)) continue
        const reached = new Set([state as string])
        for (const from of reached) for (const to of Object.values(rows[from] ?? {})) reached.add(to)
        expect(
          [...reached].some((one) => isFinal(one as never)),
          state,
        ).toBe(true)
      }
    }
  })

  it('are these for a request', () => {
    expect(printed(requestMachine)).toMatchInlineSnapshot(`
      "pending --approve--> approved
      pending --reject--> rejected
      pending --cancel--> cancelled
      pending --lapse--> expired"
    `)
  })

  it('are these for an opening and for an integration', () => {
    expect(printed(openingMachine)).toMatchInlineSnapshot(`
      "opening --deliver--> delivered
      opening --fail--> failed
      opening --supersede--> superseded
      opening --end--> ended
      delivered --collect--> collected
      delivered --lapse--> ended
      delivered --supersede--> superseded
      delivered --end--> ended
      collected --supersede--> superseded
      collected --end--> ended"
    `)
    expect(printed(integrationMachine)).toMatchInlineSnapshot(`
      "active --pause--> paused
      active --remove--> removed
      paused --resume--> active
      paused --remove--> removed"
    `)
  })

  it('are these for a grant', () => {
    expect(printed(grantMachine)).toMatchInlineSnapshot(`
      "scheduled --start--> provisioning
      scheduled --end--> revoking
      provisioning --provisioned--> active
      provisioning --end--> revoking
      active --end--> revoking
      revoking --overdue--> stuck
      revoking --gone_expired--> expired
      revoking --gone_revoked--> revoked
      revoking --gone_failed--> failed
      stuck --gone_expired--> expired
      stuck --gone_revoked--> revoked
      stuck --gone_failed--> failed
      stuck --write_off--> written_off"
    `)
  })

  it('are these for a proposal', () => {
    expect(printed(proposalMachine)).toMatchInlineSnapshot(`
      "open --accept--> accepted
      open --decline--> declined
      open --withdraw--> withdrawn
      open --lapse--> lapsed
      accepted --perform--> performed
      accepted --fail--> failed"
    `)
  })

  it('are these for a turn of a rotation', () => {
    expect(printed(turnMachine)).toMatchInlineSnapshot(`
      "waiting --mark--> done
      running --test--> testing
      running --finish--> finished
      running --take_back--> undoing
      running --gone--> undone
      running --fail--> failed
      testing --finish--> finished
      testing --take_back--> undoing
      testing --gone--> undone
      testing --fail--> failed
      undoing --gone--> undone
      undoing --fail--> failed"
    `)
  })

  it('are these for a run', () => {
    expect(printed(runMachine)).toMatchInlineSnapshot(`
      "pending --plan--> executing
      pending --undo--> undoing
      pending --give_up--> failed
      executing --finish--> executed
      executing --undo--> undoing
      executing --give_up--> failed
      executed --undo--> undoing
      undoing --settle--> undone
      undoing --overdue--> stuck
      undoing --give_up--> failed
      undoing --refuse--> executed
      stuck --settle--> undone
      stuck --give_up--> failed
      stuck --refuse--> executed
      failed --take_back--> undoing"
    `)
  })
})

function printed({ arrows }: { arrows: Readonly<Record<string, Partial<Record<string, string>>>> }): string {
  return Object.entries(arrows)
    .flatMap(([from, row]) => Object.entries(row).map(([event, to]) => `${from} --${event}--> ${to}`))
    .join('\n')
}
