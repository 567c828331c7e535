import { applyDecorators, HttpCode, RequestMapping, RequestMethod } from '@nestjs/common'
import { ApiNoContentResponse, ApiResponse, ApiTags } from '@nestjs/swagger'
import { type Endpoint as Described, usualStatus } from '../../contract/endpoints/endpoint.ts'
import { Access, Public } from './allowed-for.ts'

/** Makes a method the one that answers an endpoint: its route, who may call it, its status and its part of the OpenAPI document. */
export function Endpoint(described: Described): MethodDecorator {
  const { method, path, tag, allowed, answers, about: description } = described
  const usual = usualStatus(described)
  return applyDecorators(
    RequestMapping({ method: RequestMethod[method], path }),
    ApiTags(tag),
    allowed === 'public' ? Public() : Access(allowed),
    ...(usual === undefined ? [] : [HttpCode(usual)]),
    ...Object.entries(answers).map(([status, standardSchema]) =>
      standardSchema === null
        ? ApiNoContentResponse({ description })
        : ApiResponse({ status: Number(status), standardSchema, description }),
    ),
  )
}
