import { controlFrom, deltaSecondsMax, fieldNames, parseCacheControl, type CacheControl, type Directives } from './cache-control.codec.ts';
import { fieldValue, type Fields } from './fields.ts';
import { parseDictionary, type BareItem, type DictionaryMember } from './structured-dictionary.codec.ts';

/** The field that speaks to this cache alone; it goes no further. */
export const ownTarget = 'streams-cache-control';

/** The target list (RFC 9213 section 2.2): the fields that speak to a cache such as this one, the most special first. */
export const targetFields: readonly string[] = [ownTarget, 'cdn-cache-control'];

/** What an origin says about storing a response. */
export interface ResponseControl {
  readonly control: CacheControl;
  /** True when a targeted field said it: then Cache-Control and Expires do not count (RFC 9213 section 2.2). */
  readonly targeted: boolean;
}

const numbers = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error']);
const flags = new Set(['no-store', 'no-cache', 'private', 'public', 'must-revalidate', 'proxy-revalidate', 'must-understand']);

/** RFC 9213 section 2.1: the type of a value follows from the directive. One of another type is an error of the field. */
function wellTyped(name: string, value: BareItem | undefined): boolean {
  if (numbers.has(name)) return typeof value === 'number';
  if (!flags.has(name)) return true;
  if (typeof value === 'boolean') return true;
  return (name === 'no-cache' || name === 'private') && typeof value === 'string' && fieldNames(value) !== undefined;
}

class DictionaryDirectives implements Directives {
  readonly #members: ReadonlyMap<string, DictionaryMember>;

  constructor(members: ReadonlyMap<string, DictionaryMember>) {
    this.#members = members;
  }

  flag(name: string): boolean {
    const member = this.#members.get(name);
    return member !== undefined && member.value !== false;
  }

  names(name: string): readonly string[] | undefined {
    const value = this.#members.get(name)?.value;
    return typeof value === 'string' ? fieldNames(value) : undefined;
  }

  seconds(name: string): number | undefined {
    const value = this.#members.get(name)?.value;
    return typeof value === 'number' ? Math.min(Math.max(value, 0), deltaSecondsMax) : undefined;
  }
}

/** RFC 9213 section 2.1: a field that is empty, or that cannot be parsed, is ignored as if it were not there. */
function parseTargeted(value: string): CacheControl | undefined {
  const members = parseDictionary(value);
  if (members === undefined || members.size === 0) return undefined;
  for (const [name, { value: item }] of members) if (!wellTyped(name, item)) return undefined;
  return controlFrom(new DictionaryDirectives(members));
}

/** The first field of the target list that is there and valid; Cache-Control when none is (RFC 9213 section 2.2). */
export function responseControl(fields: Fields, targets: readonly string[] = targetFields): ResponseControl {
  for (const name of targets) {
    const value = fieldValue(fields, name);
    const control = value === undefined ? undefined : parseTargeted(value);
    if (control !== undefined) return { control, targeted: true };
  }
  return { control: parseCacheControl(fieldValue(fields, 'cache-control')), targeted: false };
}
