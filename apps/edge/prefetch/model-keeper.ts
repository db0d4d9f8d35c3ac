import { audienceOf, decodeModel, everybody, modelLimits, type TransitionModel } from '#core/prefetch';
import { OperatingError } from '#kernel';
import { blobCid } from '#ports';
import { backOffMs, pause, type Logger } from '#runtime';
import { createHash } from 'node:crypto';
import type { ModelFiles, ToldModel } from './model-files.ts';

export interface ModelKeeperDeps {
  /** Brings a blob; throws an OperatingError when it cannot now. */
  readonly fetch: (cid: string, signal: AbortSignal) => Promise<Uint8Array>;
  /** Where models lie over a restart. */
  readonly files: ModelFiles;
  readonly use: (zone: string, model: TransitionModel | undefined) => void;
  readonly region: string;
  readonly logger: Logger;
}

const zonesMax = 1000;
const triesMax = 4;
/** What could not be had is looked for again, ms. */
const againMs = 60_000;

export type ModelStatus = ToldModel & { readonly refused?: string | undefined };

/** Brings models to the edge, and each into use whole or not at all: what is damaged, or no model, leaves the one before in its place. */
export class ModelKeeper {
  readonly #deps: ModelKeeperDeps;
  /** The newest of each zone that was told of. */
  readonly #told = new Map<string, ToldModel>();
  readonly #used = new Map<string, ToldModel>();
  readonly #refused = new Map<string, string>();
  #wake = Promise.withResolvers<void>();

  constructor(deps: ModelKeeperDeps) {
    this.#deps = deps;
  }

  status(): readonly ModelStatus[] {
    return [...this.#used.values()].map((used) => ({ ...used, refused: this.#refused.get(used.zone) }));
  }

  /** Any time, also before {@link run}; older ones than the last change nothing. */
  offer(told: ToldModel): void {
    if (told.number <= (this.#told.get(told.zone)?.number ?? 0)) return;
    if (this.#told.size >= zonesMax && !this.#told.has(told.zone)) return;
    this.#told.set(told.zone, told);
    this.#wake.resolve();
  }

  /** A zone that is not served any more. */
  forget(zone: string): void {
    this.#told.delete(zone);
    this.#used.delete(zone);
    this.#refused.delete(zone);
    this.#deps.use(zone, undefined);
    void this.#deps.files.remove(zone).catch((err: unknown) => this.#deps.logger.warn({ err }, 'a model that is not used any more stays on the disk'));
  }

  /** What this edge had when it ended. */
  async restore(): Promise<void> {
    for (const { bytes, ...told } of await this.#deps.files.all()) {
      const model = this.#read(told.cid, bytes);
      if (typeof model === 'string') continue;
      this.#told.set(told.zone, told);
      this.#take(told, model);
    }
  }

  async run(stopping: AbortSignal): Promise<void> {
    stopping.addEventListener('abort', () => this.#wake.resolve(), { once: true });
    while (!stopping.aborted) {
      this.#wake = Promise.withResolvers<void>();
      for (const told of this.#told.values()) if (!stopping.aborted) await this.#bring(told, stopping);
      const isDone = [...this.#told.values()].every(({ number, zone }) => (this.#used.get(zone)?.number ?? 0) >= number || this.#refused.has(zone));
      const again = this.#refused.size === 0 ? new Promise<never>(() => undefined) : pause(againMs, stopping);
      if (isDone && !stopping.aborted) await Promise.race([this.#wake.promise, again]);
    }
  }

  async #bring(told: ToldModel, stopping: AbortSignal): Promise<void> {
    const { zone } = told;
    if (told.number <= (this.#used.get(zone)?.number ?? 0)) return;
    if (told.cid === null) {
      this.#take(told, undefined);
      await this.#store(told, new Uint8Array(0));
      return;
    }
    for (let failures = 0; !stopping.aborted && this.#told.get(zone) === told; failures++) {
      try {
        const bytes = await this.#deps.fetch(told.cid, stopping);
        const model = this.#read(told.cid, bytes);
        if (typeof model === 'string') return this.#refuse(told, model);
        if (this.#told.get(zone) !== told) return;
        this.#take(told, model);
        return await this.#store(told, bytes);
      } catch (err) {
        if (!(err instanceof OperatingError) || !err.retryable || failures + 1 >= triesMax)
          return this.#refuse(told, err instanceof Error ? err.message : String(err));
        await pause(backOffMs(failures, 100, 5000), stopping);
      }
    }
  }

  /** Why it is none, or the model. */
  #read(cid: string | null, bytes: Uint8Array): TransitionModel | undefined | string {
    if (cid === null) return undefined;
    if (bytes.length > modelLimits.bytesMax || blobCid(createHash('sha256').update(bytes).digest()) !== cid)
      return 'its bytes are not those that it is named by';
    const ours = audienceOf(this.#deps.region, '');
    return decodeModel(bytes, (audience) => audience === everybody || audience.startsWith(ours)) ?? 'it is none that this edge can read';
  }

  #take(told: ToldModel, model: TransitionModel | undefined): void {
    this.#used.set(told.zone, told);
    this.#refused.delete(told.zone);
    this.#deps.use(told.zone, model);
  }

  async #store(told: ToldModel, bytes: Uint8Array): Promise<void> {
    await this.#deps.files
      .put(told, bytes)
      .catch((err: unknown) => this.#deps.logger.warn({ err }, 'a model is used, but cannot be stored: make room on the disk'));
  }

  #refuse({ number, zone }: ToldModel, why: string): void {
    const before = this.#refused.get(zone);
    this.#refused.set(zone, `model ${number}: ${why}`);
    if (before === this.#refused.get(zone)) return;
    this.#deps.logger.warn({ zone, number, why }, `a model of what is asked for next is not used; the one before is: ${why}`);
  }
}
