import type { HeldRecords } from '#core/ledger';

interface WrongOffset {
  readonly index: number;
  readonly message: string;
}

/** Leaves do not cover offsets: here they are held to increasing, and to the ends that the ledger has signed. */
export class OffsetAudit {
  readonly #exact: HeldRecords | undefined;
  #last: { readonly offset: bigint; readonly index: number } | undefined;
  #wrong: WrongOffset | undefined;

  constructor(exact: HeldRecords | undefined) {
    this.#exact = exact;
  }

  push(offset: bigint, index: number): void {
    const wanted = this.#exact?.firstOffset;
    if (this.#last === undefined && wanted !== undefined && offset !== wanted) this.#object(index, offset, `${wanted} was signed`);
    if (this.#last !== undefined && offset <= this.#last.offset) this.#object(index, offset, `the one before it has ${this.#last.offset}`);
    this.#last = { offset, index };
  }

  /** After the last record: the first that is not where it must be. */
  finish(): WrongOffset | undefined {
    const wanted = this.#exact?.lastOffset;
    if (this.#last !== undefined && wanted !== undefined && this.#last.offset !== wanted)
      this.#object(this.#last.index, this.#last.offset, `${wanted} was signed`);
    return this.#wrong;
  }

  #object(index: number, offset: bigint, but: string): void {
    this.#wrong ??= { index, message: `record ${index} of the ledger is said to be at offset ${offset}, but ${but}` };
  }
}
