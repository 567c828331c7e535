import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { name, text } from './text.ts'
import { instant } from './time.ts'

const bundled = z.strictObject({
  resourceId: id('res'),
  permissions: z
    .array(text({ max: 100 }))
    .min(1)
    .max(50),
})

export const newBundle = z
  .strictObject({
    name: name(),
    description: text({ max: 1000, min: 0 }).default(''),
    resources: z.array(bundled).min(1).max(100).describe('all of the same integration'),
  })
  .meta({ id: 'NewBundle' })
export type NewBundle = z.infer<typeof newBundle>

export const bundleView = z
  .strictObject({
    id: id('bnd'),
    name: z.string(),
    description: z.string(),
    integrationId: id('int'),
    resources: z.array(
      z.strictObject({ resourceId: id('res'), type: z.string(), name: z.string(), permissions: z.array(z.string()) }),
    ),
    createdAt: instant,
  })
  .meta({ id: 'Bundle' })
export type BundleView = z.infer<typeof bundleView>
export const bundlePage = page(bundleView).meta({ id: 'BundlePage' })
export const bundleQuery = z.strictObject(pageQuery)
export type BundleQuery = z.infer<typeof bundleQuery>
