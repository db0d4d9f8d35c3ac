import type { RowChange } from '#kernel';
import type { ParkedDetailView } from '../client/api.types.ts';
import type { Trial } from '../parked/try-event.ts';

export function parkedLines(parked: ParkedDetailView): readonly string[] {
  const { id, state, topic, partition, offset, eventId, eventType, consumer, code, field, message, attempts, parkedAt, stack, held, waiting } = parked;
  const reader = consumer === '*' ? 'nobody can read it' : `${consumer} cannot take it`;
  return [
    `${id} is ${state}: ${reader}.`,
    `  event    ${eventType} ${eventId}, ${topic}/${partition} offset ${offset}`,
    `  why      ${code}${field === '' ? '' : ` in ${field}`}: ${message}`,
    `  parked   ${parkedAt ?? 'just now'}, after ${attempts} ${attempts === 1 ? 'try' : 'tries'}`,
    ...(parked.stateNote ? [`  last     ${parked.stateBy ?? ''} ${parked.stateAt ?? ''}: ${parked.stateNote}`] : []),
    ...(held === 0 ? [] : [`  waiting  ${held} later events of the key ${JSON.stringify(parked.key)} of ${tenantText(parked.tenant)}, among them`]),
    ...waiting.map((one) => `           ${one.offset}  ${one.eventType} ${one.eventId}`),
    ...(stack === '' ? [] : ['', ...stack.split('\n').map((line) => `  ${line}`)]),
  ];
}

/** Behind what an older version parked, every tenant's events wait. */
function tenantText(tenant: string | null): string {
  return tenant === null ? 'every tenant' : `the tenant ${tenant}`;
}

export function trialLines(title: string, trials: readonly Trial[]): readonly string[] {
  return [
    `${title}:`,
    ...trials.flatMap(({ projection, changes, error }) =>
      error === undefined
        ? [`  ${projection} takes it${changes.length === 0 ? ' and changes no row' : ''}`, ...changes.map((change) => `    ${changeText(change)}`)]
        : [`  ${projection} does not take it: ${error.name}: ${error.message}`],
    ),
  ];
}

/** Rows that come out otherwise. */
export function differenceOf(before: readonly Trial[], after: readonly Trial[]): readonly string[] {
  const rows = (trials: readonly Trial[]): ReadonlySet<string> =>
    new Set(trials.flatMap(({ projection, changes }) => changes.map((change) => `${projection} ${changeText(change)}`)));
  const [was, is] = [rows(before), rows(after)];
  const lines = [...[...was].filter((row) => !is.has(row)).map((row) => `  - ${row}`), ...[...is].filter((row) => !was.has(row)).map((row) => `  + ${row}`)];
  return lines.length === 0 ? ['No row comes out otherwise.'] : ['Rows that come out otherwise:', ...lines];
}

/** The greatest time that there is (ECMA-262 section 21.4.1.1): what orders rows of which nothing was said yet. */
const neverMs = 8_640_000_000_000_000n;

/** A row as people read it: its table, its key, and what it gets. */
function changeText({ table, key, set }: RowChange): string {
  const named = (columns: object): string =>
    Object.entries(columns)
      .map(([name, value]) => `${name}=${valueText(value)}`)
      .join(' ');
  return `${table} ${named(key)}: ${named(set)}`;
}

function valueText(value: unknown): string {
  if (value === neverMs) return 'never';
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? 'null';
}
