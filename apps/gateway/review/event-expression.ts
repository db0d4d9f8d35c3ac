import { Environment, type ASTNode, type ParseResult } from '@marcbachmann/cel-js';
import { badRequest } from '../http/problem.errors.ts';

/** Long enough for anything that a person writes, short enough to be judged thousands of times. */
export const expressionCharsMax = 1000;

const limits = { maxAstNodes: 200, maxDepth: 24, maxListElements: 100, maxMapEntries: 20, maxCallArguments: 8 };

/**
 * Calls that cost no more than what they look at. Patterns (`matches`) may go back over a text without end, and what makes
 * texts or lists may make them long.
 */
const allowedCalls = new Set([
  'has',
  'size',
  'startsWith',
  'endsWith',
  'contains',
  'exists',
  'all',
  'exists_one',
  'in',
  'int',
  'double',
  'string',
  'bool',
  'timestamp',
  'duration',
  'type',
  'orValue',
  'hasValue',
  'lowerAscii',
]);
/** Go over every element. Inside one another they would cost the product of their lengths. */
const loops = new Set(['exists', 'all', 'exists_one']);

const environment = new Environment({ unlistedVariablesAreDyn: false, enableOptionalTypes: true, limits })
  .registerVariable('data', 'dyn')
  .registerVariable('event', 'map');

/** What an expression sees of an event. */
export interface ExpressionInput {
  /** The data, as the reader may see it. */
  readonly data: unknown;
  /** The attributes as text, `time` as a timestamp. */
  readonly event: Readonly<Record<string, unknown>>;
}

/** Why an expression could not be applied to an event: there is no such field in it, or it is of another type. */
export interface Inapplicable {
  readonly problem: string;
}

/**
 * A filter in the Common Expression Language (https://cel.dev) over `data` and `event`. What is looked at is bounded: no
 * patterns, no loops inside loops, so that a judgement costs at most one look at the whole event.
 */
export class EventExpression {
  readonly #parsed: ParseResult;

  private constructor(parsed: ParseResult) {
    this.#parsed = parsed;
  }

  /** @throws ProblemError 400 `expression-invalid`, naming the place. */
  static parse(text: string, field = 'query.where'): EventExpression {
    let parsed: ParseResult;
    try {
      parsed = environment.parse(text);
    } catch (error) {
      throw refused(field, text, error);
    }
    checkCost(parsed.ast, 0, (node, why) => {
      throw refused(field, text, { summary: why, range: { start: node.pos, end: node.pos } });
    });
    const { valid, type, error } = parsed.check();
    if (!valid) throw refused(field, text, error);
    if (type !== 'bool' && type !== 'dyn') throw refused(field, text, { summary: `it must be true or false, but is of type ${type}` });
    return new EventExpression(parsed);
  }

  /** True or false, or why it cannot be said. */
  judge({ data, event }: ExpressionInput): boolean | Inapplicable {
    try {
      const verdict: unknown = this.#parsed({ data: wholeNumbers(data), event });
      return typeof verdict === 'boolean' ? verdict : { problem: 'It is neither true nor false.' };
    } catch (error) {
      return { problem: summaryOf(error) };
    }
  }
}

/** JSON has one kind of number, CEL has two that do not add up: whole ones are `int`. */
function wholeNumbers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(wholeNumbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wholeNumbers(inner)]));
}

function checkCost(node: unknown, loopsAround: number, refuse: (node: ASTNode, why: string) => never): void {
  if (Array.isArray(node)) return node.forEach((each) => checkCost(each, loopsAround, refuse));
  if (typeof node !== 'object' || node === null || !('op' in node)) return;
  const { op, args } = node as ASTNode;
  const isCall = op === 'call' || op === 'rcall';
  const name = isCall ? ((args as readonly unknown[])[0] as string) : undefined;
  if (name !== undefined && !allowedCalls.has(name)) refuse(node as ASTNode, `${name}() is not available here`);
  const within = loopsAround + (name !== undefined && loops.has(name) ? 1 : 0);
  if (within > 1) refuse(node as ASTNode, `${name}() inside another loop is not available here`);
  checkCost(args, within, refuse);
}

interface CelFailure {
  readonly summary?: string;
  readonly range?: { readonly start: number; readonly end: number };
}

function summaryOf(error: unknown): string {
  return (error as CelFailure | undefined)?.summary ?? (error instanceof Error ? error.message : String(error));
}

function refused(field: string, text: string, error: unknown): Error {
  const at = (error as CelFailure | undefined)?.range?.start;
  const place = at === undefined ? '' : ` at character ${Math.min(at, text.length) + 1}`;
  const message = `${summaryOf(error)}${place}.`;
  return badRequest('expression-invalid', `${field}: ${message}`, [{ field, message }]);
}
