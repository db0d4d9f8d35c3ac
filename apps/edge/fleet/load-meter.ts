import { stat } from 'node:fs/promises';
import type { EdgeReport } from '../facts/edge-facts.ts';

export interface LoadMeterDeps {
  readonly now: () => number;
  /** Processor time of this process so far, µs. */
  readonly cpuUs: () => number;
  /** Open descriptors of this process; undefined where the system does not say. */
  readonly descriptors: () => Promise<number | undefined>;
}

export interface LoadGauges {
  readonly bytesServed: number;
  readonly activeRequests: number;
  readonly diskBytes: number;
  readonly behindMs: number;
  readonly draining: boolean;
  readonly sharedTier: EdgeReport['sharedTier'];
}

type Load = Pick<EdgeReport, (keyof LoadGauges & keyof EdgeReport) | 'connections' | 'bitsPerSecond' | 'cpu'>;

/** To a second of processor: a load that wavers a little is no news. */
const cpuSteps = 20;

/** Measures between one report and the next. */
export class LoadMeter {
  readonly #deps: LoadMeterDeps;
  #before: { readonly atMs: number; readonly cpuUs: number; readonly bytes: number } | undefined;
  #ownDescriptors: number | undefined;

  constructor(deps: LoadMeterDeps) {
    this.#deps = deps;
  }

  /** What is open before the first client comes is none of theirs. */
  async begin(): Promise<void> {
    this.#ownDescriptors = await this.#deps.descriptors();
    this.#before = { atMs: this.#deps.now(), cpuUs: this.#deps.cpuUs(), bytes: 0 };
  }

  async measure({ bytesServed, ...gauges }: LoadGauges): Promise<Omit<Load, 'bytesServed'>> {
    const [atMs, cpuUs, open] = [this.#deps.now(), this.#deps.cpuUs(), await this.#deps.descriptors()];
    const before = this.#before ?? { atMs, cpuUs, bytes: bytesServed };
    this.#before = { atMs, cpuUs, bytes: bytesServed };
    const tookMs = Math.max(1, atMs - before.atMs);
    return {
      ...gauges,
      connections: open === undefined || this.#ownDescriptors === undefined ? null : Math.max(0, open - this.#ownDescriptors),
      bitsPerSecond: Math.max(0, Math.round(((bytesServed - before.bytes) * 8000) / tookMs)),
      cpu: Math.max(0, Math.round(((cpuUs - before.cpuUs) / (tookMs * 1000)) * cpuSteps) / cpuSteps),
    };
  }
}

/** Linux 6.2 and newer tell it as the size of the folder; counting its entries would cost a look at each. */
export async function openDescriptors(): Promise<number | undefined> {
  const size = await stat('/proc/self/fd').then(
    (folder) => folder.size,
    () => 0,
  );
  return size === 0 ? undefined : size;
}

export function processorUs(): number {
  const { system, user } = process.cpuUsage();
  return user + system;
}
