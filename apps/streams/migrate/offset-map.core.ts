interface Run {
  readonly offset: bigint;
  readonly copied: bigint;
  length: bigint;
}

/** Which offset of a copy each offset of the original has become. Both may have gaps: the ends of transactions take offsets, too. */
export class OffsetMap {
  readonly #start: bigint;
  /** Stretches without a gap in either of them. */
  readonly #runs: Run[] = [];
  #count = 0n;

  /** @param start where the copy begins */
  constructor(start: bigint) {
    this.#start = start;
  }

  get count(): bigint {
    return this.#count;
  }

  /** The next record of the original stands at this offset, and its copy at that. */
  add(offset: bigint, copied: bigint): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && offset === last.offset + last.length && copied === last.copied + last.length) last.length += 1n;
    else this.#runs.push({ offset, copied, length: 1n });
    this.#count += 1n;
  }

  /** Where a reader of the copy goes on who stood at this offset of the original: at the same record, or else behind as many. */
  translate(position: bigint): bigint {
    const run = this.#runs.findLast(({ offset }) => offset <= position);
    if (run === undefined) return this.#runs[0]?.copied ?? this.#start;
    const into = position - run.offset;
    return run.copied + (into < run.length ? into : run.length);
  }
}
