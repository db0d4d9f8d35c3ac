import { describe, expect, test } from '@jest/globals';
import type { EpochChange } from './shared-store.ts';
import { lookMs, SiteEpoch, standsMs } from './site-epoch.ts';

/** A server with one number, that can be put back to what it was, and away. */
class Server {
  stands: bigint | undefined;
  away = false;

  readonly setEpoch = async (epoch: bigint, replace: boolean): Promise<EpochChange> => {
    if (this.away) throw new Error('not there');
    const before = this.stands;
    if (replace || before === undefined) this.stands = epoch;
    return { before: replace ? before : undefined, stands: this.stands };
  };
}

function bench() {
  const clock = { ms: 1_800_000_000_000 };
  const server = new Server();
  const edges: SiteEpoch[] = [];
  const stopping = new AbortController().signal;
  const troubles: unknown[] = [];
  const start = (aheadMs = 0): SiteEpoch => {
    const edge = new SiteEpoch('site', { store: server, stopping, now: () => clock.ms + aheadMs, onAway: (error) => troubles.push(error) });
    edges.push(edge);
    return edge;
  };
  /** Every edge looks as often as it does by itself. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= lookMs) {
      clock.ms += lookMs;
      for (const edge of edges) await edge.look();
      // What was found to be replaced is replaced again.
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  };
  const believed = (edge: SiteEpoch): bigint | undefined => edge.known()?.positions[0];
  return { clock, server, start, pass, believed, troubles };
}

describe('the number of a site', () => {
  test('is believed at once by the edge that makes it, and by others when it has stood for a while', async () => {
    const { believed, pass, server, start } = bench();
    const first = start();
    await first.look();
    expect(believed(first)).toBe(server.stands);
    const other = start();
    await pass(standsMs);
    expect(believed(other)).toBe(undefined);
    await pass(lookMs);
    expect([believed(other), other.holds({ key: 'k', labels: [] }, [server.stands as bigint])]).toEqual([server.stands, true]);
  });

  test('that cannot be looked at is told of each time', async () => {
    const { pass, server, start, troubles } = bench();
    server.away = true;
    await start().look();
    await pass(lookMs);
    server.away = false;
    await pass(2 * lookMs);
    expect(troubles).toEqual([new Error('not there'), new Error('not there')]);
  });

  test('of before a purge holds for nobody, from the next reading on', async () => {
    const { believed, pass, server, start } = bench();
    const [one, other] = [start(), start()];
    await pass(standsMs + 2 * lookMs);
    const before = server.stands as bigint;
    await one.purged();
    expect([(server.stands as bigint) > before, believed(one)]).toEqual([true, server.stands]);
    other.seen(server.stands);
    expect([believed(other), other.holds({ key: 'k', labels: [] }, [before])]).toEqual([undefined, false]);
    await pass(standsMs + lookMs);
    expect(believed(other)).toBe(server.stands);
  });

  test('that comes back is believed by no edge that starts, while one is there that knows better', async () => {
    const { believed, pass, server, start } = bench();
    const witness = start();
    await witness.look();
    const before = server.stands as bigint;
    await witness.purged();
    const purged = server.stands as bigint;
    server.stands = before;
    const fresh = start();
    for (let ms = 0; ms < 2 * standsMs; ms += lookMs) {
      await pass(lookMs);
      expect(believed(fresh)).not.toBe(before);
    }
    expect([(server.stands as bigint) > purged, believed(fresh), believed(witness)]).toEqual([true, server.stands, server.stands]);
  });

  test('that this edge has never seen is known as replaced, too, when a higher one was', async () => {
    const { believed, pass, server, start } = bench();
    const one = start();
    await one.look();
    const before = server.stands as bigint;
    await one.purged();
    const late = start();
    await pass(standsMs + lookMs);
    expect(believed(late)).toBe(server.stands);
    server.stands = before;
    late.seen(before);
    expect(believed(late)).not.toBe(before);
    await pass(lookMs);
    expect(server.stands > before).toBe(true);
  });

  test('is higher than the one before, although the clock of who made that is ahead', async () => {
    const { pass, server, start } = bench();
    const ahead = start(86_400_000);
    await ahead.look();
    const before = server.stands as bigint;
    const behind = start();
    await behind.purged();
    expect((server.stands as bigint) > before).toBe(true);
    await pass(lookMs);
    expect((server.stands as bigint) > before).toBe(true);
  });

  test('is not believed over another connection before it has stood for as long again', async () => {
    const { believed, pass, server, start } = bench();
    await start().look();
    const other = start();
    await pass(standsMs + lookMs);
    expect(believed(other)).toBe(server.stands);
    server.away = true;
    await other.look();
    server.away = false;
    expect(believed(other)).toBe(undefined);
    await pass(standsMs);
    expect(believed(other)).toBe(undefined);
    await pass(lookMs);
    expect(believed(other)).toBe(server.stands);
  });
});
