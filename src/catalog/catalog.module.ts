import { type DynamicModule, Module } from '@nestjs/common'
import type { AnyPlugin } from '../sdk/index.ts'
import { CatalogController } from './catalog.controller.ts'
import { Catalog, PLUGINS } from './catalog.ts'

@Module({})
class CatalogModule {}

/** The catalog of the given plugins, for every other module. */
export function catalogModule(plugins: readonly AnyPlugin[]): DynamicModule {
  return {
    module: CatalogModule,
    global: true,
    controllers: [CatalogController],
    providers: [Catalog, { provide: PLUGINS, useValue: plugins }],
    exports: [Catalog],
  }
}
