import type { Scope } from '#domain/access';
import type { Context } from '#events';
import { applyDecorators, createParamDecorator, HttpCode, RequestMapping, RequestMethod, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { fieldSentence } from './field-sentences.ts';
import { badRequest, type FieldProblem } from './problem.errors.ts';

/** A route's contract: the controller, the guard, the validation and the OpenAPI document all read this one value. */
export interface Operation<Body extends z.ZodType = z.ZodType, Query extends z.ZodType = z.ZodType, Params extends z.ZodType = z.ZodType> {
  /** Unique; the OpenAPI operationId. */
  readonly id: string;
  readonly tag: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` parameters. */
  readonly path: string;
  readonly summary: string;
  /** Any one of these suffices; empty for a public route. */
  readonly scopes: readonly Scope[];
  /**
   * Whose things it shows and changes. `own`: those of the caller's tenant, and all other tenants' are not there.
   * `platform`: what no tenant owns, for callers of the platform. `all`: tenants themselves, for who sees every one.
   */
  readonly tenancy: 'own' | 'platform' | 'all';
  /** The event context that it is about; a caller with other contexts alone is refused. */
  readonly context?: Context;
  /** Status of success. */
  readonly status: number;
  readonly body?: Body;
  /** A body that the handler reads by itself, of these media types: described, but not checked here. */
  readonly request?: { readonly types: readonly string[]; readonly schema: z.ZodType };
  readonly query?: Query;
  readonly params?: Params;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer?: z.ZodType;
  /** Media type of success when it is not JSON. */
  readonly answerType?: string;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.infer<Schema> : undefined;

/** What an operation's handler gets, checked. */
export interface InputOf<Op extends Operation> {
  readonly body: Parsed<Op['body']>;
  readonly query: Parsed<Op['query']>;
  readonly params: Parsed<Op['params']>;
}

export function operation<const Op extends Operation>(op: Op): Op {
  return op;
}

export const operationKey = 'streams:operation';

const methods = { GET: RequestMethod.GET, POST: RequestMethod.POST, PUT: RequestMethod.PUT, PATCH: RequestMethod.PATCH, DELETE: RequestMethod.DELETE };

/** Mounts a controller's method as the operation. */
export function Route(op: Operation): MethodDecorator {
  return applyDecorators(RequestMapping({ path: op.path, method: methods[op.method] }), HttpCode(op.status), SetMetadata(operationKey, op));
}

function problemsOf(part: string, error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) => {
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return paths.map((path) => ({ field: [part, ...path].join('.'), message: issue.message }));
  });
}

/** Deeper than any request of ours, and far from where a parser's stack ends. */
const depthMax = 32;
const notWhole = 'Expected whole characters, not half of a surrogate pair.';

/**
 * Where a text, or the name of a field, is not Unicode (JSON can escape half of a surrogate pair, no engine can store it),
 * or where values are nested too deep to be looked at.
 */
function unusableIn(value: unknown, path: readonly string[]): FieldProblem | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : { field: path.join('.'), message: notWhole };
  if (typeof value !== 'object' || value === null) return undefined;
  if (path.length > depthMax) return { field: path.slice(0, 4).join('.'), message: `Expected at most ${depthMax} values inside each other.` };
  for (const [name, inner] of Object.entries(value)) {
    if (!name.isWellFormed()) return { field: path.join('.'), message: notWhole };
    const found = unusableIn(inner, [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Checks the parts of a request; a wrong one is named. @throws ProblemError 400 `invalid-request`. */
export function parseInput(op: Operation, request: { body?: unknown; query?: unknown; params?: unknown }): InputOf<Operation> {
  const errors: FieldProblem[] = [];
  const read = (part: 'body' | 'query' | 'params'): unknown => {
    const schema = op[part];
    if (schema === undefined) return undefined;
    const unusable = unusableIn(request[part], [part]);
    if (unusable !== undefined) {
      errors.push(unusable);
      return undefined;
    }
    const result = schema.safeParse(request[part] ?? (part === 'body' ? undefined : {}), { error: fieldSentence });
    if (result.success) return result.data;
    errors.push(...problemsOf(part, result.error));
    return undefined;
  };
  const input = { params: read('params'), query: read('query'), body: read('body') };
  if (errors.length > 0) throw badRequest('invalid-request', errors.map((each) => `${each.field}: ${each.message}`).join(' '), errors.slice(0, 20));
  return input as InputOf<Operation>;
}

/** Injects the checked input of an operation. */
export const Input = createParamDecorator((op: Operation, context: ExecutionContext) => parseInput(op, context.switchToHttp().getRequest<FastifyRequest>()));

export type { FastifyReply, FastifyRequest };
