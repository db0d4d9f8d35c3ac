import { Prng } from '#kernel';
import type { PurgeSelector } from '#events';
import { tagSelector, type PurgeData, type PurgeFleet } from './purge-fleet.fixture.ts';

const paths = ['/r/a/1', '/r/a/2', '/r/b/1', '/r/b/2', '/r/c'];
/** Longer than an edge may go without news before it trusts nothing any more (`purgeDoubtAfterMs`), ms. */
const partitionMs = 2_300;

interface Case {
  readonly urls?: readonly string[];
  readonly selectors?: readonly PurgeSelector[];
  readonly hits: (path: string) => boolean;
}

const cases: readonly Case[] = [
  { urls: ['/r/a/1', 'http://any.example/r/c'], hits: (path) => path === '/r/a/1' || path === '/r/c' },
  { selectors: [tagSelector('tag-r-b-1')], hits: (path) => path === '/r/b/1' },
  { selectors: [tagSelector('ALL')], hits: () => true },
  { selectors: [{ kind: 'prefix', value: '/r/a/' }], hits: (path) => path.startsWith('/r/a/') },
  { selectors: [{ kind: 'regex', value: '/2$' }], hits: (path) => path.endsWith('/2') },
  { selectors: [{ kind: 'host', value: 'edge.example' }], hits: () => true },
  { selectors: [{ kind: 'zone', value: 'zn-none' }, tagSelector('tag-r-c')], hits: (path) => path === '/r/c' }, // prettier-ignore
  { selectors: [{ kind: 'all', value: '' }], hits: () => true },
];

export interface RoundsReport {
  readonly rounds: number;
  readonly kills: number;
  readonly partitions: number;
  readonly answers: number;
  /** Answers that were older than a purge which the edge had acknowledged, or had had time to hear of. */
  readonly stale: readonly string[];
}

/**
 * Purges while a minority of the edges is killed, or cut off from the log as a whole process that stands still, and fills are
 * under way; then looks at every edge for what is older than the purge.
 */
export class PurgeRounds {
  readonly #fleet: PurgeFleet;
  readonly #dice: Prng;
  readonly #stale: string[] = [];
  #answers = 0;
  #kills = 0;
  #partitions = 0;

  constructor(fleet: PurgeFleet, seed: number) {
    this.#fleet = fleet;
    this.#dice = new Prng(seed);
  }

  async run(rounds: number, fault?: (round: number) => 'none' | 'kill' | 'stop'): Promise<RoundsReport> {
    for (let round = 0; round < rounds; round++) {
      const kind = fault?.(round) ?? (['none', 'none', 'kill', 'stop'] as const)[this.#dice.nextInteger(0, 3)] ?? 'none';
      await this.#round(round, kind);
    }
    return { rounds, kills: this.#kills, partitions: this.#partitions, answers: this.#answers, stale: this.#stale };
  }

  async #round(round: number, kind: 'none' | 'kill' | 'stop'): Promise<void> {
    const { edges, origin } = this.#fleet;
    const chosen = cases[this.#dice.nextInteger(0, cases.length - 1)] as Case;
    const purgeId = `pg-round-${round}`;
    const all = edges.map((_, at) => at);
    const victims = kind === 'none' ? [] : all.filter(() => this.#dice.nextInteger(0, 3) === 0).slice(0, (all.length - 1) >> 1);
    const slow = `/slow/${round}`;
    await Promise.all(all.flatMap((at) => paths.map((path) => this.#fleet.edge(at).get(path))));
    // Asked for before the change, answered after the purge: what it brings must not stay.
    const underWay = all.filter((at) => !victims.includes(at)).map((at) => this.#fleet.edge(at).get(slow));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await this.#strike(kind, victims);
    for (const path of [slow, ...paths.filter(chosen.hits)]) origin.change(path);
    const data: PurgeData = { purgeId, urls: [...(chosen.urls ?? []), slow], selectors: [...(chosen.selectors ?? [])], reason: '' };
    await this.#fleet.purge([data]);
    const purgedAtMs = Date.now();
    const well = all.filter((at) => !victims.includes(at));
    await this.#fleet.acknowledgedBy(purgeId, well);
    await Promise.all(underWay);
    await Promise.all(well.map((at) => this.#look(round, at, slow)));
    await this.#heal(kind, victims, purgedAtMs);
    await Promise.all(victims.map((at) => this.#look(round, at, slow)));
    await this.#fleet.acknowledgedBy(purgeId, victims);
    await Promise.all(victims.map((at) => this.#look(round, at, slow)));
  }

  async #strike(kind: string, victims: readonly number[]): Promise<void> {
    if (kind === 'kill') await Promise.all(victims.map((at) => this.#fleet.edge(at).kill()));
    else await this.#stop(victims);
    if (kind === 'kill') this.#kills += victims.length;
    else this.#partitions += victims.length;
  }

  /** Not in the middle of an append, in which it would keep everybody from the log. */
  async #stop(victims: readonly number[]): Promise<void> {
    const signal = (name: NodeJS.Signals): void => victims.forEach((at) => void this.#fleet.edge(at).child.kill(name));
    for (;;) {
      signal('SIGSTOP');
      if (victims.length === 0 || this.#fleet.isWritable()) return;
      signal('SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #heal(kind: string, victims: readonly number[], purgedAtMs: number): Promise<void> {
    if (victims.length === 0) return;
    if (kind === 'kill') return void (await Promise.all(victims.map((at) => this.#fleet.start(at))));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, purgedAtMs + partitionMs - Date.now())));
    for (const at of victims) this.#fleet.edge(at).child.kill('SIGCONT');
  }

  /** Everything that an edge has must be what the origin says now: what the purge did not name has not changed. */
  async #look(round: number, at: number, slow: string): Promise<void> {
    const { origin } = this.#fleet;
    await Promise.all(
      [slow, ...paths].map(async (path) => {
        const answer = await this.#fleet.edge(at).get(path);
        this.#answers++;
        if (answer.status !== 200 || answer.body !== origin.version(path))
          this.#stale.push(`round ${round}, edge-${at}: ${path} is ${answer.status} ${JSON.stringify(answer.body)}, not ${origin.version(path)}`);
      }),
    );
  }
}
