import type pg from 'pg';

/** One statement of a pipeline. */
export interface Step {
  /** Prepared once per connection under this name, which must always mean the same text; empty: prepared every time. */
  readonly name: string;
  readonly text: string;
  /** Texts, or bytes in the binary format of the parameter's type. */
  readonly values?: ReadonlyArray<string | Buffer>;
  /** For `COPY … FROM STDIN`: what is copied. */
  readonly copy?: Buffer;
}

const copyDataTag = 0x64;
const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

/** Names that a connection surely has prepared. */
const preparedBy = new WeakMap<pg.Connection, Set<string>>();

/**
 * Several statements in one write and one answer, which are one transaction: without a BEGIN, all that stands before a
 * Sync is committed by it, or nothing is (PostgreSQL manual, "Pipelining" in the message flow of the protocol). After an
 * error the server passes over the rest up to the Sync, data of a COPY included, so that nothing has to wait for it.
 */
export class Pipeline implements pg.Submittable {
  /** The driver calls and wraps this, for its own limit on how long a query may take. */
  callback: (error: unknown) => void;
  /** Statements that the server has finished: the one that failed is the one after. */
  finished = 0;
  readonly #steps: readonly Step[];
  readonly #parsed: string[] = [];
  #connection: pg.Connection | undefined;

  constructor(steps: readonly Step[], callback: (error: unknown) => void) {
    this.#steps = steps;
    this.callback = callback;
  }

  submit(connection: pg.Connection): void {
    this.#connection = connection;
    connection.stream.cork();
    try {
      for (const step of this.#steps) this.#send(connection, step);
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  #send(connection: pg.Connection, { name, text, values = [], copy }: Step): void {
    if (preparedBy.get(connection)?.has(name) !== true) {
      // A name may be left from a pipeline that failed behind it; closing one that is not there is no error.
      connection.close({ type: 'S', name }, true);
      connection.parse({ name, text, types: [] }, true);
      if (name !== '') this.#parsed.push(name);
    }
    connection.bind({ statement: name, values: [...values] }, true);
    connection.execute(null, true);
    if (copy === undefined) return;
    const head = Buffer.alloc(5);
    head.writeUInt8(copyDataTag, 0);
    head.writeInt32BE(copy.length + 4, 1);
    connection.stream.write(head);
    connection.stream.write(copy);
    connection.stream.write(copyDone);
  }

  handleCommandComplete(): void {
    this.finished++;
  }

  handleReadyForQuery(): void {
    const connection = this.#connection as pg.Connection;
    const prepared = preparedBy.get(connection) ?? new Set();
    preparedBy.set(connection, prepared);
    for (const name of this.#parsed) prepared.add(name);
    this.callback(undefined);
  }

  handleError(error: unknown): void {
    this.callback(error);
  }

  // What the statements answer is not asked for, and the data of a COPY is on its way already.
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCopyInResponse(): void {}
}
