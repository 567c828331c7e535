import { afterAll, describe, it } from 'vitest'
import { Campaign, IS_WHOLE } from './campaign.ts'
import { FOUND } from './found.ts'
import { smallGround } from './small-ground.ts'

// Whole: npm run test:model. In the gate a sample, another one each day; its seed is printed.
const EXTENT = { runs: IS_WHOLE ? 3_000 : 20, length: 60 }

// A second try would begin where the first one broke off, and could pass for it.
describe('whatever people and misfortune do, in whatever order', { retry: 0, timeout: IS_WHOLE ? 36_000_000 : 900_000 }, () => {
  const campaign = new Campaign(smallGround())
  afterAll(() => campaign.close())

  it.each(Object.entries(FOUND))('what was found once does not come again: %s', (_, story) => campaign.play(story))

  it('the broker is where a model of it says, and nobody has power that is not theirs now', () =>
    campaign.random(EXTENT, 'test/model/model.test.ts'))
})
