import { expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'

it.each([null, undefined, false])('what a test waits for is not there while the answer is %s', async (notYet) => {
  const answers = [notYet, notYet, 'there', 'later']
  expect(await waitFor('it', async () => answers.shift())).toBe('there')
})

it.each([0, '', true])('what a test waits for is there when the answer is %j', async (answer) => {
  expect(await waitFor('it', async () => answer)).toBe(answer)
})

it('what a test waits for in vain is named', async () => {
  await expect(waitFor('the train', async () => null, 0)).rejects.toThrow('for the train in vain')
})
