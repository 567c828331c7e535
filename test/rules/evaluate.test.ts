import { describe, expect, it } from 'vitest'
import { type Ask, evaluate, evaluateAction, evaluateExtension, mayRequest, selects } from '../../src/access/rules/evaluate.ts'
import { ANN, flow, groupId, resource, rule, userId } from './rules.ts'

// A Thursday.
const NOON = new Date('2026-11-26T12:00:00Z')
const WEEKEND = { days: ['sat', 'sun'], from: '00:00', to: '24:00', timeZone: 'UTC' }
const BOB_ALONE = { kind: 'people', users: [userId(2)], groups: [] }
const ENGINEERS = { attribute: 'department', is: 'equal_to', value: 'engineering' }
const SALES = { attribute: 'department', is: 'equal_to', value: 'sales' }
const ALARM = { kind: 'emergency', alert: { users: [userId(3)] } }

const ask = (about: Partial<Ask> = {}): Ask => ({
  resources: [resource()],
  seconds: 600,
  justification: 'INC-1',
  fields: {},
  emergency: false,
  ...about,
})

describe('a flow', () => {
  it('allows what is within it', () => {
    expect(evaluate(flow(), ANN, ask(), NOON)).toEqual({ allowed: true })
    expect(evaluate(flow({ conditions: ENGINEERS }), ANN, ask(), NOON)).toEqual({ allowed: true })
    expect(evaluate(flow({ windows: [{ ...WEEKEND, days: ['thu'] }] }), ANN, ask(), NOON)).toEqual({ allowed: true })
    expect(evaluate(flow({ approval: ALARM }), ANN, ask({ emergency: true }), NOON)).toEqual({ allowed: true })
    expect(evaluate(flow({ justification: 'required' }), ANN, ask(), NOON)).toEqual({ allowed: true })
    expect(evaluate(flow(), ANN, ask({ seconds: 3600, justification: '' }), NOON)).toEqual({ allowed: true })
    expect(evaluate(flow(), ANN, ask({ resources: [] }), NOON)).toEqual({ allowed: true })
  })

  it.each([
    ['is switched off', flow({}, { active: false }), ask(), 'the flow is switched off'],
    ['names others', flow({ requesters: BOB_ALONE }), ask(), 'you are not among the people who may ask under it'],
    ['is for other people', flow({ conditions: SALES }), ask(), 'it is for people whose department is "sales"'],
    ['is for other times', flow({ windows: [WEEKEND] }), ask(), 'it gives access only at other times'],
    ['is for emergencies', flow({ approval: ALARM }), ask(), 'it is for emergencies: confirm that this is one'],
    ['is for none', flow(), ask({ emergency: true }), 'it is not for emergencies'],
    ['asks why', flow({ justification: 'required' }), ask({ justification: ' \n' }), 'it needs a justification'],
    [
      'asks what happened',
      flow({ approval: ALARM }),
      ask({ emergency: true, justification: ' ' }),
      'an emergency needs a reason',
    ],
    ['lasts an hour', flow(), ask({ seconds: 3601 }), 'it allows at most 1 hour'],
    ['has no such field', flow(), ask({ fields: { ticket: 'X' } }), 'the access flow has no field ticket'],
    [
      'has a field',
      flow({ fields: [{ type: 'text', key: 'ticket', label: 'Ticket', required: true }] }),
      ask(),
      'Ticket (ticket) is missing',
    ],
  ])('that %s refuses what is not within it', (_, asked, wish, reason) => {
    expect(evaluate(asked, ANN, wish, NOON)).toEqual({ allowed: false, reasons: [reason] })
  })

  it.each([
    [{ gone: true }, 'kv/app/db is gone from its system'],
    [{ ungrantable: 'it is a wildcard' }, 'kv/app/db cannot be granted: it is a wildcard'],
    [{ integrationId: 'int_2' }, 'kv/app/db belongs to another integration'],
    [{ permissions: ['read', 'write', 'destroy'] }, 'it does not permit write, destroy on kv/app/db'],
    [{ type: 'key' }, 'it does not permit read on kv/app/db'],
  ])('refuses a resource that is %o', (about, reason) => {
    const wish = ask({ resources: [resource(), resource(about)] })
    expect(evaluate(flow(), ANN, wish, NOON)).toEqual({ allowed: false, reasons: [reason] })
  })

  it('refuses a resource that none of its selectors picks', () => {
    const wish = ask({ resources: [resource({ name: 'kv/web/db' })] })
    expect(evaluate(flow({ resources: [{ paths: ['kv/app/*'] }] }), ANN, wish, NOON)).toEqual({
      allowed: false,
      reasons: ['it does not cover kv/web/db'],
    })
  })

  it('says everything that is wrong at once, in the words of its reader', () => {
    const strict = flow({ requesters: BOB_ALONE, maxSeconds: 90 }, { active: false })
    expect(evaluate(strict, ANN, ask(), NOON, 'approver')).toEqual({
      allowed: false,
      reasons: [
        'the flow is switched off',
        'the requester is not among the people who may ask under it',
        'it allows at most 90 seconds',
      ],
    })
  })

  it.each([
    [45, '45 seconds'],
    [1, '1 second'],
    [60, '1 minute'],
    [5400, '90 minutes'],
    [3600, '1 hour'],
    [28_800, '8 hours'],
    [86_400, '1 day'],
    [172_800, '2 days'],
    [90_000, '25 hours'],
  ])('says its %i seconds in the largest whole unit: %s', (maxSeconds, words) => {
    const verdict = evaluate(flow({ maxSeconds }), ANN, ask({ seconds: 1_000_000 }), NOON)
    expect(verdict).toEqual({ allowed: false, reasons: [`it allows at most ${words}`] })
  })
})

describe('the people of a rule', () => {
  it.each([
    ['everyone', { requesters: { kind: 'everyone' } }, true],
    ['them by name', { requesters: { kind: 'people', users: [userId(2), ANN.id], groups: [] } }, true],
    ['their group', { requesters: { kind: 'people', users: [], groups: [groupId(2), groupId(1)] } }, true],
    ['others', { requesters: { kind: 'people', users: [userId(2)], groups: [groupId(2)] } }, false],
    ['nobody', { requesters: { kind: 'people', users: [], groups: [] } }, false],
    ['everyone, where something holds', { conditions: ENGINEERS }, true],
    ['everyone, where something else holds', { conditions: SALES }, false],
    ['others, where something holds', { requesters: BOB_ALONE, conditions: ENGINEERS }, false],
  ])('are found, or are not, when it names %s', (_, otherwise, expected) => {
    expect(mayRequest(rule(otherwise), ANN)).toBe(expected)
  })
})

describe('an extension', () => {
  const MORE = { extensions: { count: 2, maxSeconds: 1800 } }
  const more = (about = {}) => ({ seconds: 1800, justification: 'still at it', extended: 1, ...about })

  it('is allowed as often and as long as the flow says', () => {
    expect(evaluateExtension(flow(MORE), ANN, more(), NOON)).toEqual({ allowed: true })
    expect(evaluateExtension(flow({ ...MORE, justification: 'required' }), ANN, more(), NOON)).toEqual({ allowed: true })
    expect(evaluateExtension(flow(MORE), ANN, more({ justification: '' }), NOON)).toEqual({ allowed: true })
    const now = { ...MORE, windows: [{ ...WEEKEND, days: ['thu'] }] }
    expect(evaluateExtension(flow(now), ANN, more(), NOON)).toEqual({ allowed: true })
  })

  it.each([
    ['the flow is switched off', flow(MORE, { active: false }), more()],
    ['you are no longer among the people who may ask under it', flow({ ...MORE, requesters: BOB_ALONE }), more()],
    ['it gives access only at other times', flow({ ...MORE, windows: [WEEKEND] }), more()],
    ['the flow allows no extension', flow({ extensions: { count: 0, maxSeconds: 60 } }), more({ extended: 0 })],
    ['it was already extended 2 times', flow(MORE), more({ extended: 2 })],
    ['it was already extended 3 times', flow(MORE), more({ extended: 3 })],
    ['an extension lasts at most 30 minutes', flow(MORE), more({ seconds: 1801 })],
    ['it needs a justification', flow({ ...MORE, justification: 'required' }), more({ justification: '\t' })],
  ])('is refused because %s', (reason, asked, wish) => {
    expect(evaluateExtension(asked, ANN, wish, NOON)).toEqual({ allowed: false, reasons: [reason] })
  })

  it('is refused to its approver in other words than to its requester', () => {
    const verdict = evaluateExtension(flow({ ...MORE, requesters: BOB_ALONE }), ANN, more(), NOON, 'approver')
    expect(verdict).toMatchObject({ reasons: ['the requester is no longer among the people who may ask under it'] })
  })
})

describe('a selector', () => {
  const db = resource({ tags: { env: 'prod', team: 'blue' } })
  it.each([
    ['without conditions', [{}], true],
    ['of its type', [{ types: ['key', 'secret'] }], true],
    ['of another type', [{ types: ['key'] }], false],
    ['of its path', [{ paths: ['x', 'kv/*/db'] }], true],
    ['of another path', [{ paths: ['kv/*'] }], false],
    ['of its tags', [{ tags: { env: 'prod', team: 'blue' } }], true],
    ['of one tag it has and one it has not', [{ tags: { env: 'prod', tier: '1' } }], false],
    ['of a tag with another value', [{ tags: { env: 'test' } }], false],
    ['of a tag that every object has', [{ tags: { constructor: 'x' } }], false],
    ['of its type and another path', [{ types: ['secret'], paths: ['pki/**'] }], false],
    ['that does not fit beside one that does', [{ types: ['key'] }, { paths: ['kv/**'] }], true],
  ])('%s picks or leaves a resource', (_, resources, expected) => {
    expect(selects(rule({ resources }), db)).toBe(expected)
  })

  it('never takes for a tag what every object has', () => {
    const inherited = resource({ tags: Object.create({ env: 'prod' }) as Record<string, string> })
    expect(selects(rule({ resources: [{ tags: { env: 'prod' } }] }), inherited)).toBe(false)
  })
})

describe('a flow under which an action is to be done', () => {
  const repaint = ask({ resources: [resource({ permissions: ['repaint'] })] })

  it('allows the actions that it names, for the types it names them for', () => {
    const naming = flow({ permissions: {}, actions: { secret: ['repaint'] } })
    expect(evaluateAction(naming, ANN, repaint, NOON)).toEqual({ allowed: true })
    const elsewhere = flow({ permissions: {}, actions: { key: ['repaint'] } })
    expect(evaluateAction(elsewhere, ANN, repaint, NOON)).toMatchObject({ allowed: false })
  })

  it('allows none where it names none, whatever access it gives', () => {
    expect(evaluateAction(flow({ permissions: { secret: ['repaint'] } }), ANN, repaint, NOON)).toMatchObject({ allowed: false })
  })

  it('allows none to what nobody has discovered', () => {
    const naming = flow({ permissions: {}, actions: { secret: ['repaint'] } })
    expect(evaluateAction(naming, ANN, ask({ resources: [] }), NOON)).toMatchObject({ allowed: false })
  })
})
