import { z } from 'zod';
import type { Operation } from '../http/operation.ts';

export type JsonObject = { readonly [name: string]: unknown };

const problemSchema: JsonObject = {
  type: 'object',
  description: 'RFC 9457 problem details.',
  properties: {
    type: { type: 'string', description: 'A URI that names the kind of problem: urn:streams:problem:<code>.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong here, and what to do.' },
    instance: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } }, required: ['field', 'message'] },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'instance'],
};

const problem = (description: string): JsonObject => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

/** JSON Schema 2020-12, which is what OpenAPI 3.1 speaks. Requests are described as they are sent, answers as they arrive. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

function parametersOf(op: Operation): JsonObject[] {
  const of = (schema: z.ZodType | undefined, where: 'query' | 'path'): JsonObject[] => {
    if (schema === undefined) return [];
    const { properties = {}, required = [] } = schemaOf(schema, 'input') as { properties?: Record<string, JsonObject>; required?: string[] };
    return Object.entries(properties).map(([name, property]) => {
      const { description, ...rest } = property;
      return { name, in: where, required: where === 'path' || required.includes(name), ...(description === undefined ? {} : { description }), schema: rest };
    });
  };
  const headers = Object.entries(op.headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
  return [...of(op.params, 'path'), ...of(op.query, 'query'), ...headers];
}

function successOf(op: Operation): JsonObject {
  if (op.answer === undefined) return { description: 'Done.' };
  return { description: 'Success.', content: { [op.answerType ?? 'application/json']: { schema: schemaOf(op.answer, 'output') } } };
}

/** Operations that name a thing in their body. */
const mayBeAbsent = new Set(['stopStream', 'switchStream', 'issueStreamKey', 'purgeCache', 'warmCache', 'issueKey']);

function bodyOf({ body, request }: Operation): JsonObject {
  if (request !== undefined) {
    const schema = schemaOf(request.schema, 'input');
    return { requestBody: { required: true, content: Object.fromEntries(request.types.map((type) => [type, { schema }])) } };
  }
  return body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } };
}

function operationOf(op: Operation): JsonObject {
  const input = op.body !== undefined || op.request !== undefined || op.query !== undefined || op.params !== undefined;
  return {
    operationId: op.id,
    tags: [op.tag],
    summary: op.summary,
    description: `Needs a key with the scope ${op.scopes.map((scope) => `\`${scope}\``).join(' or ')}.`,
    security: [{ apiKey: [] }, { jwt: [] }],
    ...(op.params === undefined && op.query === undefined && op.headers === undefined ? {} : { parameters: parametersOf(op) }),
    ...bodyOf(op),
    responses: {
      [op.status]: successOf(op),
      ...(input ? { 400: problem('The request is wrong; `errors` names the fields.') } : {}),
      401: problem('No credential, or one that is unknown, expired or revoked.'),
      403: problem('The credential does not have the scope, or is of another tenant or context.'),
      ...(op.params === undefined && !mayBeAbsent.has(op.id) ? {} : { 404: problem('There is no such thing.') }),
      ...(op.request === undefined
        ? {}
        : {
            409: problem('An id was published before with other content.'),
            413: problem('The body, the list or one event is too large.'),
          }),
      ...(op.headers?.['Idempotency-Key'] === undefined ? {} : { 422: problem('The Idempotency-Key was used for another request.') }),
      429: problem('Too many calls; Retry-After says when to try again, RateLimit-* how it stands.'),
      503: problem('An engine is away; Retry-After says when to try again.'),
    },
  };
}

/** The OpenAPI 3.1 document of the operations. */
export function openApiOf(operations: readonly Operation[]): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const op of operations) {
    const path = op.path.replace(/:([A-Za-z]+)/g, '{$1}');
    (paths[path] ??= {})[op.method.toLowerCase()] = operationOf(op);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Streams',
      version: '1',
      description: 'Live streams, their delivery, and the log of everything that happened.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: sk_<keyId>_<secret>.' },
        jwt: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A JSON Web Token of the identity provider that the platform is set up with: ES256, EdDSA or RS256.',
        },
      },
    },
  };
}
