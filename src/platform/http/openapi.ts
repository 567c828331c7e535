import type { INestApplication } from '@nestjs/common'
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger'
import { z } from 'zod'
import { problem } from '../../contract/problem.ts'

/** What the broker's API is, for machines. Every operation may answer with a problem. */
export function openApi(app: INestApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setTitle('Latchkey')
    .setDescription(
      'Lends keys to secrets and takes them back. Errors are application/problem+json; docs/errors.md lists their codes.',
    )
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'an API token: lk_…' })
    .addSecurityRequirements('bearer')
    .build()
  const document = SwaggerModule.createDocument(app, about)
  const { Problem } = z.toJSONSchema(problem, { io: 'output' }).$defs ?? {}
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: Problem as object },
    responses: {
      Problem: {
        description: 'the call was refused, or could not be served',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    operation.responses.default = { $ref: '#/components/responses/Problem' }
  }
  return document
}

/** Serves it at /openapi.json; it is made when first asked for. */
export function serveOpenApi(app: INestApplication): void {
  let made: OpenAPIObject | undefined
  SwaggerModule.setup('docs', app, () => (made ??= openApi(app)), { jsonDocumentUrl: 'openapi.json', ui: false, raw: ['json'] })
}
