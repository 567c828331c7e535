import { Injectable, RequestMethod, type Type } from '@nestjs/common'
import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal'
import { DiscoveryService, MetadataScanner } from '@nestjs/core'

export interface Route {
  readonly controller: Type
  readonly handler: () => unknown
  readonly method: string
  readonly path: string
  readonly takesQuery: boolean
}

/** Every endpoint there is, as its controller declares it. */
@Injectable()
export class RouteTable {
  private cached: readonly Route[] | undefined

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  get routes(): readonly Route[] {
    this.cached ??= this.discovery.getControllers().flatMap(({ metatype }) => this.routesOf(metatype as Type))
    return this.cached
  }

  /** What may be sent to a path that was asked for with another method. */
  methodsAt(path: string): string[] {
    return this.routes.filter((route) => matches(route.path, path)).map((route) => route.method)
  }

  private routesOf(controller: Type): Route[] {
    return this.scanner.getAllMethodNames(controller.prototype).flatMap((methodName) => {
      const handler: () => unknown = controller.prototype[methodName]
      const method: RequestMethod | undefined = Reflect.getMetadata(METHOD_METADATA, handler)
      if (method === undefined) return []
      const takes: Record<string, unknown> = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, methodName) ?? {}
      const parts = [Reflect.getMetadata(PATH_METADATA, controller), Reflect.getMetadata(PATH_METADATA, handler)]
      const path = `/${parts
        .map((part) => String(part).replace(/^\/|\/$/g, ''))
        .filter(Boolean)
        .join('/')}`
      const takesQuery = Object.keys(takes).some((key) => key.startsWith(`${RouteParamtypes.QUERY}:`))
      return [{ controller, handler, method: RequestMethod[method], path, takesQuery }]
    })
  }
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.replace(/(?<=.)\/$/, '').split('/')
  return wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i])
}
