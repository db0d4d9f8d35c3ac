import { PlainFailure } from '../streams.errors.ts';
import { awaited } from './awaited.ts';
import type { CommandContext } from './context.ts';
import { duration, table } from './table.ts';

/** What the API says of a partition of the log. */
export interface RetainedPartitionView {
  readonly topic: string;
  readonly partition: number;
  readonly first: string;
  readonly hotFirst: string;
  readonly end: string;
  readonly sealedEnd: string;
  readonly segments: number;
  readonly sealedRecords: number;
  readonly sealedBytes: number;
  readonly rawBytes: number;
  readonly firstAt: string | null;
  readonly sealedUntil: string | null;
  readonly old: number | null;
  readonly problem: { readonly code: string; readonly message: string; readonly at: string } | null;
}

interface SealingView {
  readonly id: string;
  readonly state: 'open' | 'ended';
  readonly result: {
    readonly segments: number;
    readonly records: number;
    readonly sizeBytes: number;
    readonly rawBytes: number;
    readonly failures: number;
  } | null;
}

export interface SealOptions {
  /** ms. */
  readonly olderThan: number;
  readonly reason?: string;
  readonly dryRun: boolean;
  readonly wait: boolean;
}

/** It does not tell how far it is: a large log takes its time. */
const waiting = { pollMs: 500, stillMs: 3_600_000 };
const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);

async function partitionsOf({ api }: CommandContext, query: string): Promise<readonly RetainedPartitionView[]> {
  return (await api.call<{ readonly partitions: readonly RetainedPartitionView[] }>('GET', `/api/v1/log${query}`)).partitions;
}

/** `streams log status` */
export async function logStatus(context: CommandContext, options: { readonly topic?: string; readonly all?: boolean }): Promise<void> {
  const partitions = await partitionsOf(context, options.topic === undefined ? '' : `?topic=${encodeURIComponent(options.topic)}`);
  context.print({ partitions }, () => statusLines(options.all === true ? partitions : partitions.filter(({ end }) => end !== '0'), Date.now()));
}

export function statusLines(partitions: readonly RetainedPartitionView[], nowMs: number): readonly string[] {
  if (partitions.length === 0) return ['The log holds nothing yet.'];
  const rows = partitions.map((one) => [
    `${one.topic}/${one.partition}`,
    `${one.hotFirst} – ${one.end}`,
    one.segments === 0 ? '–' : `${one.first} – ${one.sealedEnd}`,
    String(one.segments),
    megabytes(one.sealedBytes),
    one.sealedBytes === 0 ? '–' : `${(one.rawBytes / one.sealedBytes).toFixed(1)} ×`,
    one.sealedUntil === null ? '–' : `${duration(nowMs - Date.parse(one.sealedUntil))} ago`,
  ]);
  const problems = partitions.flatMap(({ topic, partition, problem }) => (problem === null ? [] : [`✗ ${topic}/${partition}: ${problem.message}`]));
  return [...table(['PARTITION', 'IN THE ENGINE', 'SEALED', 'SEGMENTS', 'MB', 'RATIO', 'SEALED UNTIL'], rows), ...problems];
}

/** `streams log seal` */
export async function sealLog(context: CommandContext, { olderThan, reason, dryRun, wait }: SealOptions): Promise<void> {
  const seconds = olderThan / 1000;
  if (dryRun) {
    const old = (await partitionsOf(context, `?olderThanSeconds=${seconds}`)).filter((one) => (one.old ?? 0) > 0);
    const sum = old.reduce((all, one) => all + (one.old ?? 0), 0);
    return context.print({ partitions: old }, () => [
      ...table(
        ['PARTITION', 'TO BE SEALED'],
        old.map(({ topic, partition, old: count }) => [`${topic}/${partition}`, String(count)]),
      ),
      `${sum} events are older and not sealed. What a read model has not read yet, or the audit ledger has not signed, stays until then.`,
    ]);
  }
  const { id } = await context.api.call<{ readonly id: string }>('POST', '/api/v1/log/sealings', { olderThanSeconds: seconds, reason: reason ?? '' });
  if (!wait) return context.print({ id }, () => [`Sealing ${id} is requested: a projector does it.`]);
  const { result } = await ended(context, id);
  context.print({ id, result }, () => [
    `${result.records} events are sealed in ${result.segments} segments: ${megabytes(result.rawBytes)} MB became ${megabytes(result.sizeBytes)} MB.`,
  ]);
  if (result.failures > 0) throw new PlainFailure(`${result.failures} partitions could not be sealed: streams log status says why.`);
}

type EndedSealing = SealingView & { readonly result: NonNullable<SealingView['result']> };

async function ended({ api }: CommandContext, id: string): Promise<EndedSealing> {
  const path = `/api/v1/log/sealings/${id}`;
  const isEnded = (view: SealingView): boolean => view.result !== null;
  return (await awaited({ ...waiting, stands: `Sealing ${id} is not done` }, () => api.call<SealingView>('GET', path), isEnded)) as EndedSealing;
}
