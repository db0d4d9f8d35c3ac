import { projectionPromoted, replayRollbackRequested } from '#events';
import type { ModelDifferenceView, ProjectionView, ReplayView } from '../client/api.types.ts';
import { PlainFailure } from '../streams.errors.ts';
import { awaited } from './awaited.ts';
import type { CommandContext } from './context.ts';
import { differenceLines, goneLines, goneText, progressLine, projectionNotes, replayLines } from './replay-text.ts';
import { table } from './table.ts';

export interface ReplayRunOptions {
  readonly from?: string;
  readonly until?: string;
  readonly partitions?: readonly number[];
  readonly promote: boolean;
  readonly acceptLoss: boolean;
  readonly onPoison: 'stop' | 'skip';
  readonly reason?: string;
  readonly wait: boolean;
}

/** One that waits for its turn stands still for as long as others take theirs. */
const wait = { pollMs: 300, stillMs: 600_000 };
/** What a replay is asked to come to, beside what ends it. */
const ended = ['failed', 'cancelled', 'rolled-back'];

async function request({ api }: CommandContext, projection: string, mode: 'rebuild' | 'comparison', options: Partial<ReplayRunOptions>): Promise<string> {
  const { from, until, partitions, promote, acceptLoss, reason, onPoison } = options;
  const body = { projection, mode, from, until, partitions, promote, acceptLoss, reason, onPoison };
  return (await api.call<{ readonly id: string }>('POST', '/api/v1/replays', body)).id;
}

/** Shows how far it is until it is in one of the states. @throws PlainFailure when it ends otherwise. */
async function until(context: CommandContext, id: string, ...wanted: readonly string[]): Promise<ReplayView> {
  const isTerminal = process.stdout.isTTY && !context.isJson;
  return awaited(
    { ...wait, stands: `The replay ${id} is not done`, goesOnOnce: () => turnOf(context, id) },
    () => look(context, id),
    (replay) => {
      const isThere = wanted.includes(replay.status);
      if (isTerminal) process.stdout.write(`\r\u001b[K${isThere ? '' : progressLine(replay)}`);
      if (!isThere && ended.includes(replay.status)) throw new PlainFailure(`The replay ${id} is ${replay.status}${replay.note ? `: ${replay.note}` : ''}.`);
      if (replay.status === 'paused') throw new PlainFailure(`The replay ${id} is paused: "streams replay resume ${id}" lets it go on.`);
      return isThere;
    },
  );
}

/** What one that was not begun yet waits for: `REPLAYS_MAX` are built at once, and those were asked for before it. */
export async function turnOf({ api }: CommandContext, id: string): Promise<string | undefined> {
  const { items } = await api.call<{ readonly items: readonly ReplayView[] }>('GET', '/api/v1/replays?limit=100');
  if (items.find((one) => one.id === id)?.status !== 'requested') return undefined;
  const running = items.filter((one) => one.status === 'running').map((one) => one.id);
  if (running.length === 0) return undefined;
  return `it is its turn: ${running.join(', ')} ${running.length === 1 ? 'is' : 'are'} built before it (REPLAYS_MAX)`;
}

const look = ({ api }: CommandContext, id: string): Promise<ReplayView> => api.call('GET', `/api/v1/replays/${encodeURIComponent(id)}`);

/** `streams replay run` */
export async function runReplay(context: CommandContext, projection: string, options: ReplayRunOptions): Promise<void> {
  const id = await request(context, projection, 'rebuild', options);
  // One that turns out to lose something while it is built is ready, and waits.
  if (!options.wait) return context.print({ id }, () => [`Replay ${id} of ${projection} is requested: streams replay show ${id}`]);
  const replay = await until(context, id, 'ready', 'promoted');
  if (options.promote) failHeldBack(replay);
  context.print(replay, () => [
    ...replayLines(replay),
    replay.status === 'promoted'
      ? `Readers see it. What they saw before is kept: streams replay rollback ${id}`
      : options.from === undefined && options.until === undefined && options.partitions === undefined
        ? `It keeps up with the log until you say: streams replay promote ${id}, or cancel ${id}`
        : `It holds a part of the log and cannot serve: streams replay cancel ${id} drops it`,
  ]);
}

/** @throws PlainFailure for one that was to be promoted, and waits until somebody accepts what is lost */
function failHeldBack({ id, status, eventsGone }: ReplayView): void {
  if (status !== 'ready') return;
  throw new PlainFailure(
    `The replay ${id} is ready and not promoted: ${goneText(eventsGone)}, so rows that only they told of would be lost. "streams replay promote ${id} --accept-loss" promotes it all the same.`,
  );
}

/** `streams replay diff`; true when the rebuilt read model equals the serving one. */
export async function diffReplay(
  context: CommandContext,
  projection: string,
  options: { readonly until?: string; readonly reason?: string },
): Promise<boolean> {
  const id = await request(context, projection, 'comparison', options);
  const replay = await until(context, id, 'compared');
  const { difference } = replay;
  if (difference === null) throw new PlainFailure(`The difference of ${id} is no longer kept.`);
  const { eventsGone } = replay;
  context.print({ id, projection, eventsGone, ...difference }, () => [...goneLines(eventsGone), ...differenceLines(projection, difference)]);
  return difference.equal;
}

export async function listReplays({ api, print }: CommandContext, options: { readonly limit: number; readonly projection?: string }): Promise<void> {
  const projection = options.projection === undefined ? '' : `&projection=${encodeURIComponent(options.projection)}`;
  const page = await api.call<{ readonly items: readonly ReplayView[] }>('GET', `/api/v1/replays?limit=${options.limit}${projection}`);
  print(page, () =>
    table(
      ['ID', 'PROJECTION', 'MODE', 'STATUS', 'REQUESTED', 'BY', 'NOTE'],
      page.items.map((one) => [one.id, one.projection, one.mode, one.status, one.requestedAt ?? '', one.requestedBy ?? '', one.note ?? '']),
    ),
  );
}

export async function showReplay({ api, print }: CommandContext, id: string): Promise<void> {
  const replay = await api.call<ReplayView>('GET', `/api/v1/replays/${encodeURIComponent(id)}`);
  print(replay, () => [
    ...replayLines(replay),
    ...goneLines(replay.eventsGone),
    ...(replay.difference === null ? [] : differenceLines(replay.projection, replay.difference as ModelDifferenceView)),
  ]);
}

const verbs = { pause: ['paused'], resume: [], cancel: [], promote: ['promoted'], rollback: ['rolled-back'] } as const;

/** `streams replay pause|resume|cancel|promote|rollback`; promotion and roll-back are waited for. */
export async function tellReplay(
  context: CommandContext,
  verb: keyof typeof verbs,
  id: string,
  said: { readonly reason?: string; readonly acceptLoss?: boolean },
): Promise<void> {
  const { api, print } = context;
  const { reason, acceptLoss } = said;
  let told = await api.call<{ readonly id: string; readonly status: string }>('POST', `/api/v1/replays/${encodeURIComponent(id)}/${verb}`, {
    reason,
    acceptLoss,
  });
  if (verb === 'promote') {
    const replay = await until(context, id, 'promoted', 'ready');
    failHeldBack(replay);
    told = replay;
  }
  if (verb === 'rollback' && told.status === 'rolling-back')
    told = await awaited(
      { ...wait, stands: `The replay ${id} is not rolled back yet` },
      () => look(context, id),
      // Why it was refused is in the read model, which may be a moment behind the status.
      ({ status, lastEvent }) => status !== 'rolling-back' && lastEvent !== replayRollbackRequested.type && lastEvent !== projectionPromoted.type,
    );
  if (verb === 'rollback' && told.status !== 'rolled-back')
    throw new PlainFailure(`The replay ${id} was not rolled back: ${((told as ReplayView).note || told.status).replace(/\.$/, '')}.`);
  print(told, () => [`Replay ${id} is ${told.status}.`]);
}

export async function listProjections({ api, print }: CommandContext): Promise<void> {
  const page = await api.call<{ readonly items: readonly ProjectionView[] }>('GET', '/api/v1/projections');
  print(page, () => [
    ...table(
      ['PROJECTION', 'VERSION', 'CODE', 'EVENTS BEHIND', 'SECONDS BEHIND', 'KEPT'],
      page.items.map((one) => [
        one.name,
        String(one.version ?? ''),
        String(one.codeVersion),
        String(one.lagEvents),
        one.trouble === null ? one.lagSeconds.toFixed(1) : 'stands still',
        String(one.kept),
      ]),
    ),
    ...page.items.flatMap(projectionNotes),
  ]);
}
