import { afterAll, describe, it } from 'vitest'
import { Campaign } from './campaign.ts'
import { smallGround } from './small-ground.ts'

// Whole: npm run test:model. In the gate a sample, another one each time; its seed is printed.
const IS_WHOLE = process.env['LATCHKEY_TEST_MODEL'] === 'whole'
const EXTENT = IS_WHOLE ? { runs: 3_000, length: 40 } : { runs: 50, length: 40 }

describe('whatever people and misfortune do, in whatever order', { timeout: IS_WHOLE ? 7_200_000 : 900_000 }, () => {
  const campaign = new Campaign(smallGround())
  afterAll(() => campaign.close())

  it('the broker is where a model of it says, and nobody has power that is not theirs now', () =>
    campaign.random(EXTENT, 'test/model/model.test.ts'))
})
