import { decodeEvent, warmRequested, type EventOf } from '#events';
import type { EventLog, Position } from '#ports';
import type { Logger } from '#runtime';
import type { WarmsFile } from './warms.file.ts';

export interface WarmBookDeps {
  readonly topic: string;
  readonly file: WarmsFile;
  readonly log: Pick<EventLog, 'identity' | 'read'>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

const nameOf = ({ offset, partition }: Position): string => `${partition}:${offset}`;

/**
 * Which warmings are under way, so that an edge that is restarted goes on with them: the offsets of the log, which it stores as soon as it has
 * read something, are behind them by then. All parts of a warming stay in it until the last is done.
 */
export class WarmBook {
  readonly #deps: WarmBookDeps;
  readonly #open = new Map<string, Position & { readonly warmId: string }>();
  #log: string | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(deps: WarmBookDeps) {
    this.#deps = deps;
  }

  /** What was under way when the edge ended, in the order of the log. Whatever of it cannot be read is left out. */
  async resumed(): Promise<ReadonlyArray<{ readonly event: EventOf<typeof warmRequested>; readonly place: Position }>> {
    const { file, log, logger, topic } = this.#deps;
    const found: { event: EventOf<typeof warmRequested>; place: Position }[] = [];
    this.#log = await log.identity().catch(() => undefined);
    const places = [...(this.#log === undefined ? [] : await file.load(this.#log))].sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
    for (const place of places) {
      try {
        const { records } = await log.read(topic, place.partition, place.offset, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
        const [record] = records;
        const event = record?.offset === place.offset ? decodeEvent(record) : undefined;
        if (event?.type === warmRequested.type) found.push({ event, place });
      } catch (err) {
        logger.warn({ err, ...place, offset: String(place.offset) }, 'a warming that was under way cannot be read, and is not gone on with');
      }
    }
    if (found.length > 0) logger.info({ parts: found.length }, 'warmings that were under way are begun again');
    return found;
  }

  /** @returns false for one that is under way already */
  begin(warmId: string, place: Position): boolean {
    if (this.#open.has(nameOf(place))) return false;
    this.#open.set(nameOf(place), { ...place, warmId });
    this.#save();
    return true;
  }

  /** The last part of it is done, or it will not be. */
  end(warmId: string): void {
    for (const [name, place] of this.#open) if (place.warmId === warmId) this.#open.delete(name);
    this.#save();
  }

  /** Resolves when what has begun is written down. */
  flush(): Promise<void> {
    return this.#saving;
  }

  #save(): void {
    const { file, logger } = this.#deps;
    if (this.#log === undefined) return;
    const saving = file.save(this.#log, [...this.#open.values()]);
    this.#saving = saving.catch((err: unknown) => logger.warn({ err }, 'which warmings are under way cannot be written down'));
  }
}
