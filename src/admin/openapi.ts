/** The OpenAPI document, made from the schemas that check what comes in and name what goes out. */
import { z } from 'zod'
import { without } from '../common/without.ts'
import { failureAnswer } from './answers.ts'
import type { Documented, Route } from './route.ts'

type Json = Record<string, unknown>

export function openApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    const path = route.url.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ringbridge admin API',
      version,
      description:
        'One node of a P2PSIP overlay. From loopback no token is needed; from elsewhere every request under /api needs ' +
        '`Authorization: Bearer TOKEN` with the token of admin.token.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Failure: jsonSchema(failureAnswer) },
    },
    paths,
  }
}

function operation(route: Route): Json {
  const responses: Record<string, Json> = {}
  for (const status of failuresOf(route)) responses[status] = failure(FAILURES[status])
  for (const [status, answer] of Object.entries(route.answers)) responses[status] = response(answer)
  return {
    summary: route.summary,
    tags: [route.tag],
    operationId: operationId(route),
    ...(route.open ? {} : { security: [{}, { token: [] }] }),
    parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(route.body) } },
          },
        }),
    responses,
  }
}

const FAILURES = {
  '400': 'The question does not fit its schema.',
  '401': 'A bearer token is needed, or this one is wrong.',
  '403': 'The Host header is none of this node.',
  '413': 'The body is too long.',
  '414': 'A part of the path is too long.',
  '415': 'The body is no JSON (Content-Type: application/json).',
  '429': 'Too many requests of this address; see Retry-After.',
} as const

/** What stands before the handler: server.ts and guards.ts. */
function failuresOf(route: Route): (keyof typeof FAILURES)[] {
  const asked = !route.open || route.query !== undefined || route.params !== undefined
  return [
    ...(asked ? (['400'] as const) : []),
    ...(route.open ? [] : (['401', '403'] as const)),
    ...(route.method === 'GET' ? [] : (['413', '415'] as const)),
    ...(route.params === undefined ? [] : (['414'] as const)),
    ...(route.url.startsWith('/api/') ? (['429'] as const) : []),
  ]
}

function failure(description: string): Json {
  return {
    description,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
  }
}

function response({ description, schema, type, also = [] }: Documented): Json {
  const main = schema === undefined ? type : (type ?? 'application/json')
  if (main === undefined) return { description }
  const content: Record<string, Json> = { [main]: schema === undefined ? {} : { schema: jsonSchema(schema) } }
  for (const other of also) content[other] = { schema: { type: 'string' } }
  return { description, content }
}

function parameters(place: 'path' | 'query', object: z.ZodObject | undefined): Json[] {
  return Object.entries(object?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !(field as z.ZodType).safeParse(undefined).success,
    description: (field as z.ZodType).description ?? '',
    schema: jsonSchema(field as z.ZodType),
  }))
}

function jsonSchema(schema: z.ZodType): Json {
  return without(z.toJSONSchema(schema, { io: 'input' }) as Json, '$schema')
}

function operationId({ method, url }: Route): string {
  const words = url.split(/[/:]+/).filter((word) => word !== '' && word !== 'api' && word !== 'v1')
  return [method.toLowerCase(), ...words].map((word, at) => (at === 0 ? word : capital(word))).join('')
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
