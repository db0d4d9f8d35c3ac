import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LogRecord } from '#events';
import { rowsText } from '#kernel';
import type { ParkedDetailView, ParkedView } from '../client/api.types.ts';
import { projections } from '#read-models';
import { edited, tryRecord, versionOf, type EditData, type Trial } from '../parked/try-event.ts';
import { upcastWithin } from '../parked/upcast-thread.ts';
import { PlainFailure } from '../streams.errors.ts';
import { awaited } from './awaited.ts';
import type { CommandContext } from './context.ts';
import { differenceOf, parkedLines, trialLines } from './parked-text.ts';
import { table } from './table.ts';

export interface ParkedFilterOptions {
  readonly topic?: string;
  readonly consumer?: string;
  readonly type?: string;
  readonly code?: string;
}

const wait = { pollMs: 300, stillMs: 60_000 };
/** For one event; an upcaster is a pure function of its data. */
const upcasterMs = 5000;
const base = '/api/v1/events/parked';
/** What holds back others, whether or not somebody has asked for it. */
const waitingStates = ['parked', 'retrying', 'discarding'] as const;

export async function listParked(
  { api, print }: CommandContext,
  options: ParkedFilterOptions & { readonly state?: string; readonly all?: boolean; readonly limit: number },
): Promise<void> {
  const { topic, consumer, type, code, limit } = options;
  const states = options.all === true ? [undefined] : options.state === undefined ? waitingStates : [options.state];
  const pages = await Promise.all(
    states.map((state) => {
      const asked = Object.entries({ topic, consumer, type, code, state, limit: String(limit) });
      const query = new URLSearchParams(asked.filter((one): one is [string, string] => one[1] !== undefined));
      return api.call<{ readonly items: readonly ParkedView[]; readonly nextCursor: string | null }>('GET', `${base}?${query}`);
    }),
  );
  const all = pages.flatMap((page) => page.items).toSorted((a, b) => (b.parkedAt ?? '').localeCompare(a.parkedAt ?? ''));
  const items = all.slice(0, limit);
  const more = all.length > limit || pages.some(({ nextCursor }) => nextCursor !== null);
  const nextCursor = pages.length === 1 ? (pages[0]?.nextCursor ?? null) : null;
  print({ items, nextCursor, more }, () =>
    items.length === 0
      ? ['Nothing is parked.']
      : [...parkedTable(items), ...(more ? [`There are more: --limit shows more than ${limit}, filters show fewer.`] : [])],
  );
}

function parkedTable(items: readonly ParkedView[]): readonly string[] {
  return table(
    ['ID', 'STATE', 'TENANT', 'KEY', 'WAITING', 'EVENT', 'CODE', 'TRIES', 'PARKED', 'MESSAGE'],
    items.map((one) => {
      const whose = one.key === null ? ['', ''] : [one.tenant ?? 'all', one.key];
      return [one.id, one.state, ...whose, String(one.held), one.eventType, one.code, String(one.attempts), one.parkedAt ?? '', one.message];
    }),
  );
}

const show = ({ api }: CommandContext, id: string): Promise<ParkedDetailView> => api.call('GET', `${base}/${encodeURIComponent(id)}`);

export async function showParked(context: CommandContext, id: string): Promise<void> {
  const parked = await show(context, id);
  context.print(parked, () => parkedLines(parked));
}

/** Waits until what was asked for is done. @throws PlainFailure when it failed again. */
function settled(context: CommandContext, id: string, before: ParkedDetailView): Promise<ParkedDetailView> {
  const waiting = { ...wait, stands: `What was asked for ${id} is not done` };
  return awaited(
    waiting,
    () => show(context, id),
    (parked) => isSettled(parked, before),
  );
}

/** What was said of it last tells, not how often it was tried: each reader of an event that nobody could read counts for itself. */
function isSettled({ id, state, stateAt, stateNote, message }: ParkedDetailView, before: ParkedDetailView): boolean {
  if (state === 'redriven' || state === 'discarded') return true;
  if (state === 'gone') throw new PlainFailure(`${id} is not parked any more: the read model was built anew.`);
  if (state === 'parked' && stateAt !== before.stateAt) throw new PlainFailure(`${id} failed again and stays parked: ${stateNote || message}`);
  return false;
}

async function order(
  context: CommandContext,
  verb: 'retry' | 'discard',
  id: string,
  options: { readonly reason?: string; readonly wait: boolean },
): Promise<void> {
  const before = await show(context, id);
  await context.api.call('POST', `${base}/${encodeURIComponent(id)}/${verb}`, { reason: options.reason });
  if (!options.wait) return context.print({ id }, () => [`Asked for. See how it goes: streams parked show ${id}`]);
  const parked = await settled(context, id, before);
  context.print(parked, () => [
    parked.state === 'discarded'
      ? `${id} is left out for good; what waited behind it is taken.`
      : `${id} is taken, and what waited behind it${before.held > 0 ? ` (${before.held})` : ''}: in order, up to any that failed itself.`,
  ]);
}

export function retryParked(context: CommandContext, id: string, options: { readonly reason?: string; readonly wait: boolean }): Promise<void> {
  return order(context, 'retry', id, options);
}

export function discardParked(context: CommandContext, id: string, options: { readonly reason: string; readonly wait: boolean }): Promise<void> {
  return order(context, 'discard', id, options);
}

interface RetriedAll {
  readonly ids: readonly string[];
  readonly refused: ReadonlyArray<{ readonly id: string; readonly message: string }>;
  readonly more: boolean;
}

/** `streams parked retry --all` */
export async function retryAllParked({ api, print }: CommandContext, options: ParkedFilterOptions & { readonly reason?: string }): Promise<void> {
  const { topic, consumer, type, code, reason } = options;
  const answer = await api.call<RetriedAll>('POST', `${base}/retry`, { topic, consumer, type, code, reason });
  print(answer, () => [
    ...answer.refused.map(({ id, message }) => `${id}: ${message}`),
    answer.ids.length + answer.refused.length === 0
      ? 'Nothing of that is parked, or it is being retried already: streams parked list'
      : `Asked for ${answer.ids.length} parked events${answer.more ? '; there are more, ask again' : ''}. See what is left: streams parked list`,
  ]);
  if (answer.refused.length > 0) throw new PlainFailure(`${answer.refused.length} of them cannot be retried.`);
}

export interface TryOptions {
  readonly upcaster?: string;
  readonly data?: string;
  readonly dir: string;
}

/** `streams parked try`, also called `edit-upcaster-test`. True when the event can be taken as tried. */
export async function tryParked(context: CommandContext, id: string, options: TryOptions): Promise<boolean> {
  const parked = await show(context, id);
  const { record, consumer } = parked;
  if (record === null) throw new PlainFailure('The record is shown to admins alone, and only while the log has it.');
  const name = consumer.split('@')[0];
  const concerned = projections.filter((one) => (consumer === '*' ? (one.contexts as readonly string[]).includes(parked.topic) : one.name === name));
  if (concerned.length === 0) throw new PlainFailure(`This program has no projection of ${consumer}.`);
  const asItIs = tryRecord(record, concerned);
  if (options.upcaster === undefined && options.data === undefined) {
    const files = await writeFiles(id, record, options.dir);
    context.print({ id, files, asItIs: asItIs.map(plain) }, () => [
      ...trialLines('As it is on the log', asItIs),
      `Its data is in ${files.data}, a first upcaster in ${files.upcaster}. Edit one of them and try again; nothing is changed by that:`,
      `  streams parked try ${id} --upcaster ${files.upcaster}`,
      `  streams parked try ${id} --data ${files.data}`,
    ]);
    return asItIs.every(({ error }) => error === undefined);
  }
  const tried = tryEdited(record, await editOf(options, record), concerned);
  context.print({ id, asItIs: asItIs.map(plain), tried: tried.map(plain) }, () => [
    ...trialLines('As it is on the log', asItIs),
    ...trialLines('As you changed it', tried),
    ...differenceOf(asItIs, tried),
  ]);
  return tried.every(({ error }) => error === undefined);
}

function tryEdited(record: LogRecord, edit: EditData, on: typeof projections): readonly Trial[] {
  try {
    return tryRecord(edited(record, edit), on);
  } catch (error) {
    const { name, message } = error as Error;
    return on.map((one) => ({ projection: `${one.name}@${one.version}`, changes: [], error: { name, message: `your change: ${message}` } }));
  }
}

async function editOf({ upcaster = '', data }: TryOptions, record: LogRecord): Promise<EditData> {
  if (data !== undefined) {
    const value = readJson(data, await readFile(data, 'utf8'));
    return () => value;
  }
  const about = { type: record.headers['ce_type'] ?? '', version: versionOf(record) };
  const order = { url: pathToFileURL(resolve(upcaster)).href, data: readJson('the data of the event', record.value), about };
  const outcome = await upcastWithin(order, upcasterMs);
  if ('problem' in outcome) throw new PlainFailure(`${upcaster}: ${outcome.problem}`);
  return () => outcome.data;
}

function readJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PlainFailure(`${file} is not JSON: ${(error as Error).message}`);
  }
}

/** What to edit; files that are there already are somebody's work and stay. */
async function writeFiles(id: string, record: LogRecord, dir: string): Promise<{ readonly data: string; readonly upcaster: string }> {
  await mkdir(dir, { recursive: true });
  const [data, upcaster] = [join(dir, `${id}.json`), join(dir, `${id}.upcaster.mjs`)];
  const stub = `/** Data of ${record.headers['ce_type']} version ${versionOf(record)}, as it is on the log, becomes data of the newest version. */
export default function upcast(data) {
  return { ...data };
}
`;
  for (const [file, text] of [
    [data, indented(record.value)],
    [upcaster, stub],
  ] as const)
    if (!(await isThere(file))) await writeFile(file, text);
  return { data, upcaster };
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Data that is not JSON is what is wrong with it, perhaps. */
function indented(value: string): string {
  try {
    return `${JSON.stringify(JSON.parse(value), null, 2)}\n`;
  } catch {
    return value;
  }
}

function plain({ projection, changes, error }: Trial): object {
  return { projection, rows: rowsText(changes), error: error ?? null };
}
