import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignInWorld, signInAs, startSignInWorld } from '../support/idp.ts'
import { Jar } from '../support/jar.ts'
import { makersOf } from '../support/matrix-makers.ts'
import { furnishToys, type MatrixWorld, toys } from '../support/matrix-world.ts'
import { ownToken } from '../support/own-token.ts'
import { ScimApi, scimOf } from '../support/scim.ts'

/** A company whose directory makes admins, and Eve, who is one and can write to the directory. */
class Company {
  id = ''
  jar = new Jar()
  private admins = ''

  constructor(
    private readonly world: SignInWorld,
    private readonly scim: ScimApi,
    private readonly externalId: string,
  ) {}

  url(path: string): string {
    return `${this.world.broker.url}${path}`
  }

  async appear(): Promise<void> {
    const { admin } = this.world.broker
    this.world.idp.accounts.set(this.externalId, { name: 'Eve', email: 'eve@example.test', groups: [] })
    this.admins = await this.scim.group(`admins of ${this.externalId}`)
    await admin.must(admin.put(`/api/role-groups/admin/${this.admins}`))
    await this.enter(this.externalId)
  }

  /** Leaves the company and is hired again under another name. */
  async shed(): Promise<void> {
    expect((await this.scim.delete(`/Users/${this.id}`)).status).toBe(204)
    const before = this.id
    await this.enter(`${this.externalId} again`)
    expect(this.id).not.toBe(before)
  }

  private async enter(userName: string): Promise<void> {
    this.id = await this.scim.person(userName, { externalId: this.externalId, displayName: userName })
    await this.scim.patch(`/Groups/${this.admins}`, { op: 'add', path: 'members', value: [{ value: this.id }] })
    this.jar = new Jar()
    const me = await signInAs(this.jar, this.world.broker.url, this.externalId)
    expect(me.body).toMatchObject({ id: this.id, roles: expect.arrayContaining(['admin']) })
  }
}

describe('where changes take four eyes, a SCIM token', () => {
  let world: SignInWorld
  const wish = { name: 'directory', expiresInSeconds: 3600 }
  const works = async (token: string) => (await new ScimApi(world.broker.api(token)).get('/Users')).status
  const second = async () => {
    const { admin, database, api } = world.broker
    const { id } = await admin.must(admin.post('/api/users', { name: `second ${Math.random()}`, roles: ['admin'] }))
    return api((await ownToken(database, id, ['read', 'manage'])).token)
  }

  beforeAll(async () => {
    world = await startSignInWorld({ config: { fourEyes: true } })
  })
  afterAll(() => world?.close())

  it('is told to who proposes it, and works from when somebody else accepts', async () => {
    const { admin, database } = world.broker
    const proposed = await admin.post('/api/scim-tokens', wish)
    expect(proposed).toMatchObject({
      status: 202,
      body: { kind: 'scim_token.create', summary: wish, token: expect.stringMatching(/^lks_/) },
    })
    const { id, token } = proposed.body
    expect(await works(token)).toBe(401)
    expect((await admin.get(`/api/proposals/${id}`)).text).not.toContain(token)
    const [kept] = await database.query('select row_to_json(p)::text as text from proposals p where id = $1', [id])
    expect(JSON.stringify(kept)).not.toContain(token)
    expect((await admin.post(`/api/proposals/${id}/accept`)).body.code).toBe('access.self_approval')
    expect(await works(token)).toBe(401)
    const accepted = await (await second()).post(`/api/proposals/${id}/accept`)
    expect(accepted.body, accepted.text).toMatchObject({ state: 'performed' })
    expect(await works(token)).toBe(200)
  })

  it('is rotated by two as well, and the old one works until then', async () => {
    const { admin } = world.broker
    const { items } = await admin.must(admin.get('/api/scim-tokens'))
    const rotation = { expiresInSeconds: 3600, overlapSeconds: 0 }
    const proposed = await admin.post(`/api/scim-tokens/${items[0].id}/rotate`, rotation)
    expect(proposed).toMatchObject({
      status: 202,
      body: { kind: 'scim_token.rotate', summary: { name: 'directory', ...rotation } },
    })
    expect(await works(proposed.body.token)).toBe(401)
    const other = await second()
    await other.must(other.post(`/api/proposals/${proposed.body.id}/accept`))
    expect(await works(proposed.body.token)).toBe(200)
    const gone = await admin.post(`/api/scim-tokens/${items[0].id}/rotate`, rotation)
    expect(gone).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  it('makes nobody two people: who is removed and made again does not accept what they proposed before', async () => {
    const { admin, api } = world.broker
    const { id: made, token } = await admin.must(admin.post('/api/scim-tokens', wish))
    const other = await second()
    await other.must(other.post(`/api/proposals/${made}/accept`))
    const eve = new Company(world, new ScimApi(api(token)), 'eve')
    await eve.appear()
    const proposed = await eve.jar.post(eve.url('/api/scim-tokens'), wish)
    expect(proposed.status, proposed.text).toBe(202)
    await eve.shed()
    const accepted = await eve.jar.post(eve.url(`/api/proposals/${proposed.body.id}/accept`))
    expect(accepted, accepted.text).toMatchObject({ status: 403, body: { code: 'access.self_approval' } })
    expect(await works(proposed.body.token)).toBe(401)
  })
})

describe('who is removed and made again by SCIM', () => {
  let signIns: SignInWorld
  let world: MatrixWorld
  let eve: Company

  beforeAll(async () => {
    const plugins = toys()
    signIns = await startSignInWorld({ plugins })
    world = await furnishToys(signIns.broker, plugins)
    eve = new Company(signIns, await scimOf(signIns.broker), 'eve')
    await eve.appear()
  })
  afterAll(async () => {
    await world?.cautious.close()
    await signIns?.close()
  })

  it('does not review the emergency they took before', async () => {
    const flow = await world.flow({ kind: 'emergency', alert: { users: [eve.id], groups: [] } })
    const ask = { ...makersOf(world).bodies.ask(), flowId: flow, emergency: true }
    const { body: request, text } = await eve.jar.post(eve.url('/api/access-requests'), ask)
    expect(request.state, text).toBe('approved')
    const [review] = await world.query<{ id: string }>('select id from emergency_reviews where request_id = $1', [request.id])
    await eve.shed()
    const closed = await eve.jar.post(eve.url(`/api/emergency-reviews/${review!.id}/close`), { note: 'fine' })
    expect(closed, closed.text).toMatchObject({ status: 403, body: { code: 'access.self_approval' } })
    expect((await world.admin.post(`/api/emergency-reviews/${review!.id}/close`, { note: 'seen' })).status).toBe(200)
  })

  it('is not asked to approve what was asked with a token that they made before', async () => {
    const bo = await world.person('bo')
    const puppet = await eve.jar.post(eve.url('/api/tokens'), {
      name: 'p',
      userId: bo.id,
      scopes: ['read', 'request'],
      expiresInSeconds: 600,
    })
    expect(puppet.status, puppet.text).toBe(201)
    const asBo = signIns.broker.api(puppet.body.token)
    const before = eve.id
    await eve.shed()
    expect((await asBo.get('/api/me')).status).toBe(401)
    // It ended with her; if neither had:
    await world.query(`update api_tokens set revoked_at = null where id = $1`, [puppet.body.id])
    await world.query(`update users set state = 'active' where id = $1`, [before])
    const flow = await world.flow({ kind: 'approvers', users: [eve.id], groups: [] })
    const asked = await asBo.post('/api/access-requests', { ...makersOf(world).bodies.ask(), flowId: flow })
    expect(asked.body.code, asked.text).toBe('access.no_approver')
  })
})
