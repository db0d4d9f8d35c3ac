import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import { decodeEvent, type DomainEvent, type EventOf, type requestsServed } from '#events';
import { join } from 'node:path';
import { until } from '../edge.fixture.ts';

type Served = EventOf<typeof requestsServed>;
export type Lines = Served['data']['requests'];

/** What edges over one data folder have told of their traffic. */
export class ToldTraffic {
  readonly #log: SqliteEventLog;

  constructor(dataDir: string) {
    this.#log = new SqliteEventLog({ path: join(dataDir, 'log', 'events.sqlite') }, { clock: new SystemClock() });
  }

  async events(): Promise<readonly DomainEvent[]> {
    const events: DomainEvent[] = [];
    for (const { partition, low } of await this.#log.heads('traffic').catch(() => [])) {
      const { records } = await this.#log.read('traffic', partition, low, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
      events.push(...records.map(decodeEvent));
    }
    return events;
  }

  async lines(): Promise<Lines> {
    return (await this.events()).flatMap((event) => (event.type === 'requests.served' ? (event as Served).data.requests : []));
  }

  /** Waits until there are so many lines of a path. */
  async linesOf(path: string, count = 1): Promise<Lines> {
    let found: Lines = [];
    await until(async () => (found = (await this.lines()).filter((line) => line.path === path)).length >= count);
    return found;
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
