interface Run {
  readonly offset: bigint;
  readonly number: bigint;
}

/** Which offset of a copy each offset of the original has become. Copies have no gaps: a record's offset is its number. */
export class OffsetMap {
  /** Where each unbroken run of the original begins, and the number of its first record. */
  readonly #runs: Run[] = [];
  #next: bigint | undefined;
  #count = 0n;

  get count(): bigint {
    return this.#count;
  }

  /** The next record of the original stands at this offset. */
  add(offset: bigint): void {
    if (offset !== this.#next) this.#runs.push({ offset, number: this.#count });
    this.#next = offset + 1n;
    this.#count += 1n;
  }

  /** Where a reader of the copy goes on who stood at this offset of the original: behind as many records. */
  translate(position: bigint): bigint {
    const at = this.#runs.findLastIndex(({ offset }) => offset < position);
    if (at === -1) return 0n;
    const { offset, number } = this.#runs[at] as Run;
    const end = this.#runs[at + 1]?.number ?? this.#count;
    const behind = number + position - offset;
    return behind < end ? behind : end;
  }
}
