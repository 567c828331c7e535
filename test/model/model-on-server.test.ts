import { afterAll, beforeAll, describe, it } from 'vitest'
import { Campaign, IS_WHOLE } from './campaign.ts'
import { FOUND } from './found.ts'
import { serverGround } from './server-ground.ts'

const EXTENT = { runs: IS_WHOLE ? 200 : 3, length: 40 }

// Never a second try, as in model.test.ts.
describe('on a real server, whatever people and misfortune do', { retry: 0, timeout: IS_WHOLE ? 36_000_000 : 900_000 }, () => {
  let campaign: Campaign
  beforeAll(async () => {
    campaign = new Campaign(await serverGround())
  })
  afterAll(() => campaign?.close())

  it.each(Object.entries(FOUND))('what was found once does not come again: %s', (_, story) => campaign.play(story))

  it('the broker is where a model of it says, and nobody has power that is not theirs now', () =>
    campaign.random(EXTENT, 'test/model/model-on-server.test.ts'))
})
