import { EventInvalidError } from './errors.ts';
import { instantMs } from './instant.ts';

/** Attributes of an incoming event, read one by one; each refusal names its attribute. */

/** Control characters would break log lines, tables and header blocks. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unprintable = /[\u0000-\u001f\u007f]/;

export function invalidAttribute(name: string, why: string): EventInvalidError {
  return new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} ${why}.`, name);
}

/** A text of at most `lengthMax` characters; undefined when it is left out. */
export function optionalText(attributes: Readonly<Record<string, unknown>>, name: string, lengthMax: number): string | undefined {
  const value = attributes[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalidAttribute(name, 'is not a string');
  if (value.length === 0 || value.length > lengthMax) throw invalidAttribute(name, `has ${value.length} characters; expected 1 to ${lengthMax}`);
  if (unprintable.test(value)) throw invalidAttribute(name, 'contains a control character');
  return value;
}

export function requiredText(attributes: Readonly<Record<string, unknown>>, name: string, lengthMax: number): string {
  const value = optionalText(attributes, name, lengthMax);
  if (value === undefined) throw invalidAttribute(name, 'is missing');
  return value;
}

/** A time in ms since the Unix epoch; undefined when it is left out. */
export function optionalTime(attributes: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const text = optionalText(attributes, name, 64);
  if (text === undefined) return undefined;
  const time = instantMs(text);
  if (!Number.isFinite(time)) throw invalidAttribute(name, 'is not an RFC 3339 time such as 2026-11-26T09:30:00Z');
  return time;
}

const extensionName = /^[a-z0-9]{1,20}$/;
const extensionsMax = 16;
const extensionLengthMax = 1024;

/** The publisher's own extensions as headers of the record; their values as the text of the CloudEvents type system. */
export function extensionHeaders(attributes: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): Record<string, string> | undefined {
  let headers: Record<string, string> | undefined;
  let count = 0;
  for (const name in attributes) {
    if (known.has(name) || attributes[name] === null) continue;
    if (!extensionName.test(name)) throw invalidAttribute(name.slice(0, 64), 'is not named in 1 to 20 lower-case letters and digits');
    if (++count > extensionsMax) throw invalidAttribute(name, `is one too many: an event has at most ${extensionsMax} extensions of its own`);
    headers ??= {};
    headers[`ce_${name}`] = extensionText(attributes, name);
  }
  return headers;
}

function extensionText(attributes: Readonly<Record<string, unknown>>, name: string): string {
  const value = attributes[name];
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') return requiredText(attributes, name, extensionLengthMax);
  // CloudEvents section 3.2: an Integer is one of 32 bits.
  if (!Number.isInteger(value) || Math.abs(value) > 2_147_483_647) throw invalidAttribute(name, 'is not a whole number of 32 bits');
  return String(value);
}
