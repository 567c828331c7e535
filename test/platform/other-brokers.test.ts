import type { AddressInfo } from 'node:net'
import { Controller, Get, Module } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import { MetricsServer } from '../../src/platform/watching/metrics-server.ts'
import { startBroker } from '../support/broker.ts'

@Controller('forgotten')
class ForgottenController {
  @Get()
  open() {
    return 'everything'
  }
}

@Module({ controllers: [ForgottenController] })
class ForgottenModule {}

describe('another broker', () => {
  it('is not ready without its database, and lives on', async () => {
    const orphan = await startBroker()
    await orphan.database.drop()
    expect((await orphan.api().get('/livez')).status).toBe(200)
    expect(await orphan.api().get('/readyz')).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(await orphan.admin.get('/api/me')).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    await orphan.app.close()
  })

  it('does not start with an endpoint that does not say who may call it', async () => {
    await expect(startBroker({ modules: [ForgottenModule] })).rejects.toThrow('ForgottenController.open')
  })

  it('belongs to the installation its database belongs to', async () => {
    const first = await startBroker({ config: { instance: '1000000001' } })
    await first.app.close()
    await expect(startBroker({ config: { instance: '1000000002' }, database: first.database })).rejects.toMatchObject({
      code: 'conflict',
      fix: expect.stringContaining('LATCHKEY_INSTANCE'),
    })
    await first.database.drop()
  })
})

describe('a broker whose metrics have an address of their own', () => {
  it('shows them there and nothing else, and them nowhere else', async () => {
    const apart = await startBroker({ config: { metricsAddress: { host: '127.0.0.1', port: 0 } } })
    try {
      expect((await apart.api().get('/metrics')).status).toBe(404)
      const { port } = apart.app.get(MetricsServer).at as AddressInfo
      const ask = (where: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${where}`, { method })
      expect(await (await ask('/metrics')).text()).toContain('latchkey_')
      for (const where of ['/', '/livez', '/api/me']) expect((await ask(where)).status).toBe(404)
      expect((await ask('/metrics', 'POST')).status).toBe(404)
    } finally {
      await apart.close()
    }
  })
})
