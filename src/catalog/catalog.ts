import { Inject, Injectable } from '@nestjs/common'
import { type AnyPlugin, BrokerError } from '../sdk/index.ts'
import { checkPlugins } from './check-plugins.ts'

/** The plugins this daemon was given. */
export const PLUGINS = Symbol('plugins')

/** Which plugins there are. A broken one stops the start, by name. */
@Injectable()
export class Catalog {
  private readonly byId: ReadonlyMap<string, AnyPlugin>

  constructor(@Inject(PLUGINS) plugins: readonly AnyPlugin[]) {
    checkPlugins(plugins)
    this.byId = new Map(plugins.map((plugin) => [plugin.manifest.id, plugin]))
  }

  list(): AnyPlugin[] {
    return [...this.byId.values()]
  }

  find(id: string): AnyPlugin | undefined {
    return this.byId.get(id)
  }

  /** One that somebody chose in the field `plugin`. */
  chosen(id: string): AnyPlugin {
    const plugin = this.find(id)
    if (plugin) return plugin
    throw new BrokerError('input.invalid', `plugin is not in the catalog: ${id}`, {
      field: 'plugin',
      fix: 'GET /api/catalog lists them',
    })
  }

  get(id: string): AnyPlugin {
    const plugin = this.byId.get(id)
    if (plugin) return plugin
    throw new BrokerError('not_found', `there is no plugin ${JSON.stringify(id)} in the catalog`, {
      fix: `plugins of this broker: ${[...this.byId.keys()].join(', ') || 'none'}`,
    })
  }
}
