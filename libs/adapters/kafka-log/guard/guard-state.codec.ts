import type { ProducerState } from '#ports';

/** Where the records of a sequence and of all later ones are to be looked for. */
export interface Checkpoint {
  /** Number of the append that began with the sequence. */
  readonly append: number;
  readonly sequence: bigint;
  /** Of each partition an offset that no such record stands before. */
  readonly floors: readonly bigint[];
}

/** What the log remembers of one producer in one topic. */
export interface ProducerGuardState extends ProducerState {
  readonly appends: number;
  /** The newest first. */
  readonly checkpoints: readonly Checkpoint[];
}

/** What the log remembers of one subject in one topic. */
export interface SubjectGuardState {
  readonly version: bigint;
  /** Id of the append that came to this version. */
  readonly last: string;
}

/** Appends that are remembered for sure. */
export const appendsKept = 10_000;
/** Appends between checkpoints; four times as many between those four times as old, and so on. */
const checkpointEvery = 64;
const growth = 4;

/** The state after an append that begins with `sequence`, with a checkpoint when one is due. */
export function advance(before: ProducerGuardState | undefined, state: ProducerState, sequence: bigint, floors: readonly bigint[]): ProducerGuardState {
  const known = before?.epoch === state.epoch ? before : undefined;
  const append = known?.appends ?? 0;
  const isDue = known === undefined || append - (known.checkpoints[0]?.append ?? 0) >= checkpointEvery;
  const checkpoints = isDue ? thin([{ append, sequence, floors: [...floors] }, ...(known?.checkpoints ?? [])], append) : known.checkpoints;
  const first = checkpoints.at(-1)?.sequence ?? state.first;
  return { ...state, first, appends: append + 1, checkpoints };
}

/** Keeps the oldest of each age, and no more than one that is older than what must be remembered. */
function thin(checkpoints: readonly Checkpoint[], now: number): Checkpoint[] {
  const ageOf = ({ append }: Checkpoint): number => Math.floor(Math.log((now - append) / checkpointEvery) / Math.log(growth));
  const enough = checkpoints.findIndex(({ append }) => now - append >= appendsKept);
  const kept = enough === -1 ? checkpoints : checkpoints.slice(0, enough + 1);
  return kept.filter((one, at) => {
    const older = kept[at + 1];
    return older === undefined || ageOf(older) !== ageOf(one);
  });
}

export function encodeProducerState({ epoch, first, next, appends, checkpoints }: ProducerGuardState): string {
  return JSON.stringify({
    epoch: `${epoch}`,
    first: `${first}`,
    next: `${next}`,
    appends,
    checkpoints: checkpoints.map(({ append, sequence, floors }) => [append, `${sequence}`, ...floors.map(Number)]),
  });
}

export function decodeProducerState(text: string): ProducerGuardState {
  const { epoch, first, next, appends, checkpoints } = JSON.parse(text) as {
    epoch: string;
    first: string;
    next: string;
    appends: number;
    checkpoints: ReadonlyArray<readonly [number, string, ...number[]]>;
  };
  return {
    epoch: BigInt(epoch),
    first: BigInt(first),
    next: BigInt(next),
    appends,
    checkpoints: checkpoints.map(([append, sequence, ...floors]) => ({ append, sequence: BigInt(sequence), floors: floors.map(BigInt) })),
  };
}

export function encodeSubjectState({ version, last }: SubjectGuardState): string {
  return JSON.stringify({ version: `${version}`, last });
}

export function decodeSubjectState(text: string): SubjectGuardState {
  const { version, last } = JSON.parse(text) as { version: string; last: string };
  return { version: BigInt(version), last };
}

/** The mark on every record of a producer's append. */
export function markOf(producer: string, epoch: bigint, sequence: bigint): string {
  return `${producer}/${epoch}/${sequence}`;
}
