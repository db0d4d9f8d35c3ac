import { pathMatcher } from '#domain/edge';
import type { ZoneConfiguration, ZoneHeaderEdit, ZoneQuery, ZoneRule, ZoneTtl } from '#events';
import { defaultKeyPolicy, normaliseTarget, otherReading, type Field, type Fields, type KeyPolicy, type QueryRule } from '#core/http-cache';

/** A rule with its patterns made ready. */
export interface CompiledRule {
  readonly fitsPath: (path: string) => boolean;
  readonly rule: ZoneRule;
}

function compile(rule: ZoneRule): CompiledRule {
  const matchers = rule.match?.paths?.map(pathMatcher);
  return { rule, fitsPath: matchers === undefined ? () => true : (path) => matchers.some((fits) => fits(path)) };
}

/** The path of a normal target. */
export function pathPart(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}

/** Of a media type without its parameters: exact, or a whole type as `text/*`. */
export function fitsType(types: readonly string[], contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  const type = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
  return types.includes(type) || types.includes(`${type.slice(0, type.indexOf('/') + 1)}*`);
}

/** The rules of one zone, asked by path. Of a setting the first rule counts that fits and has it; edits of fields add up. */
export class ZoneRules {
  readonly #rules: readonly CompiledRule[];

  constructor(configuration: ZoneConfiguration) {
    this.#rules = (configuration.rules ?? []).map(compile);
  }

  /** True when some rule has the setting at all. */
  has(setting: keyof ZoneRule): boolean {
    return this.#rules.some(({ rule }) => rule[setting] !== undefined);
  }

  /**
   * Whether a path fits other rules in the way in which many origins read it. What such a path brings may be what a rule keeps out of
   * the cache under its plain name.
   */
  isAmbiguous(path: string): boolean {
    const other = otherReading(path);
    return other !== undefined && this.#rules.some(({ fitsPath }) => fitsPath(path) !== fitsPath(other));
  }

  first<Setting extends keyof ZoneRule>(setting: Setting, path: string, contentType?: string): NonNullable<ZoneRule[Setting]> | undefined {
    for (const { fitsPath, rule } of this.#rules) {
      const value = rule[setting];
      if (value !== undefined && fitsPath(path) && this.#fitsType(rule, contentType)) return value;
    }
    return undefined;
  }

  edits(setting: 'requestHeaders' | 'responseHeaders', path: string, contentType?: string): readonly ZoneHeaderEdit[] {
    return this.#rules.flatMap(({ fitsPath, rule }) => (fitsPath(path) && this.#fitsType(rule, contentType) ? (rule[setting] ?? []) : []));
  }

  #fitsType({ match }: ZoneRule, contentType: string | undefined): boolean {
    return match?.contentTypes === undefined || fitsType(match.contentTypes, contentType);
  }

  ttl(path: string, contentType: string | undefined): ZoneTtl | undefined {
    return this.first('ttl', path, contentType);
  }
}

/** Fields after a rule's edits; a name that is set or removed is so in all its lines. */
export function edited(fields: Fields, edits: readonly ZoneHeaderEdit[]): Fields {
  let result: Field[] = [...fields];
  for (const { name, op, value = '' } of edits) {
    if (op !== 'add') result = result.filter(([other]) => other !== name);
    if (op !== 'remove') result.push([name, value]);
  }
  return result;
}

function queryRule({ kind, names = [] }: ZoneQuery): QueryRule {
  return kind === 'all' ? { kind } : { kind: kind === 'without' ? 'without' : 'only', names: kind === 'none' ? [] : names };
}

/** How a zone makes keys of targets: by its own policy, or by that of the first rule that fits the path and has one. */
export function normaliserOf({ query, sortQuery = true }: ZoneConfiguration, rules: ZoneRules): (target: string) => string | undefined {
  const policyOf = (asked: ZoneQuery | undefined): KeyPolicy => ({ query: asked === undefined ? defaultKeyPolicy.query : queryRule(asked), sortQuery });
  const common = policyOf(query);
  if (!rules.has('query')) return (target) => normaliseTarget(target, common);
  return (target) => {
    const mark = target.indexOf('?');
    const path = mark < 0 ? undefined : normaliseTarget(target.slice(0, mark), common);
    const own = path === undefined ? undefined : rules.first('query', path);
    return normaliseTarget(target, own === undefined ? common : policyOf(own));
  };
}
