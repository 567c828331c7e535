import { createPrivateKey, X509Certificate } from 'node:crypto'
import { expect } from 'vitest'
import { requestFor } from '../../../src/distribution/certificates/signing-request.ts'
import { BrokerError, isBrokerError, type Journaled, Secret, type Step } from '../../../src/sdk/index.ts'
import type { Promised } from './promised.ts'
import { refusalOf, soon, Trial } from './world.ts'

/** Where certificates come from, for plugins that say so. */
export const aboutCertificates: readonly Promised[] = [
  {
    says: 'reads a certificate with its key where one is kept, and says which field of the place is wrong where none is',
    async tried(trial) {
      const { plugin, client, world } = trial
      const sources = plugin.certificateSources
      if (!sources) return
      const { kept, missing } = certificatesOf(trial)
      const place = await sources.place.parseAsync(kept)
      const found = await sources.read(client, place, soon())
      expect(found.privateKeyPem).toBeInstanceOf(Secret)
      expect(fits(found.certificatePem, found.privateKeyPem!)).toBe(true)
      const words = sources.placeInWords(place)
      expect(words).toMatch(/\S/)
      expect(words).not.toContain(found.privateKeyPem!.reveal())
      const refusal = await refusalOf(sources.read(client, await sources.place.parseAsync(missing), soon()))
      expect(isBrokerError(refusal) && refusal.field).toMatch(/\S/)
      for (const config of world.ill) {
        const blind = await Trial.begin(world, config)
        expect(await refusalOf(sources.read(blind.client, place, soon()))).toBeInstanceOf(BrokerError)
        await blind.end()
      }
    },
  },
  {
    says: 'has a certificate issued for a key that it never sees, by an action of its own, and finds it in what that did',
    async tried(trial) {
      const { plugin, client, world } = trial
      const sources = plugin.certificateSources
      if (!sources) return
      const wish = await sources.wish.parseAsync(certificatesOf(trial).wish)
      const names = sources.namesOf(wish)
      expect(sources.wishInWords(wish)).toContain(names.commonName)
      const action = plugin.actions.find(({ name }) => name === sources.action)!
      const { request, privateKey } = await requestFor('rsa-2048', names)
      const input = await action.input.parseAsync(sources.inputOf(wish, request))
      const ctx = world.newRun(client, 120)
      const steps = JSON.parse(JSON.stringify(await action.plan(ctx, input))) as Step[]
      expect(sources.issuedIn(steps), 'nothing is issued yet').toBeUndefined()
      const done: Journaled<Step>[] = []
      for (const step of steps) {
        const { record } = await action.execute(ctx, step)
        done.push(JSON.parse(JSON.stringify({ ...step, record })))
      }
      const issued = sources.issuedIn(done)
      expect(issued && fits(issued.certificatePem, privateKey)).toBe(true)
      expect(issued!.privateKeyPem).toBeUndefined()
      expect(new X509Certificate(issued!.certificatePem).subject).toContain(`CN=${names.commonName}`)
    },
  },
]

function certificatesOf({ world }: Trial) {
  if (!world.certificates) throw new TypeError('the world needs certificates, where the plugin has sources of them')
  return world.certificates
}

function fits(certificatePem: string, privateKeyPem: Secret): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem.reveal()))
}
