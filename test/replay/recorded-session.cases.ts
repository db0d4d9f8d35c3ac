import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { topicPartitions } from '#events';
import { projections } from '#read-models';
import { PastKeeper } from '#runtime';
import { pino } from 'pino';
import { memoryEngines, realEngines, startGateway, World, type RunningGateway, type WorldEngines } from '../../apps/gateway/testing/gateway.fixture.ts';
import { essentialsOf, playlistsAt, readRecordedSession, type Playlists } from './recorded/recorded-session.ts';
import type { LogStarter } from './world.ts';

const session = readRecordedSession();

/** A platform whose log has the recorded events, and nothing else. */
async function replayed(
  engines: WorldEngines & { readonly dispose?: () => Promise<void> },
): Promise<{ readonly world: World; readonly gateway: RunningGateway }> {
  await engines.log.restore('stream', topicPartitions, async (write) => {
    for (let partition = 0; partition < topicPartitions; partition++)
      await write(session.records.filter((one) => one.partition === partition).map((record, at) => ({ ...record, offset: BigInt(at) })));
  });
  const world = await World.open(engines);
  const gateway = await startGateway(engines, world.consolePath);
  await world.settle();
  return { world, gateway };
}

/** What is served now, and what was at every recorded moment. */
async function served({ url }: RunningGateway): Promise<{ readonly recording: Playlists; readonly moments: readonly Playlists[] }> {
  const at = async (time: string): Promise<Playlists> => {
    const query = `?asOf=${time}&window=live`;
    // The multivariant playlist of a moment names playlists of that moment.
    return Object.fromEntries(Object.entries(await playlistsAt(url, session.streamId, query)).map(([file, text]) => [file, text.replaceAll(query, '')]));
  };
  return { recording: await playlistsAt(url, session.streamId), moments: await Promise.all(session.moments.map((moment) => at(moment.at))) };
}

/** A live session that was recorded once (recorded/record-session.main.ts), replayed from its events alone. */
export function recordedSessionCases(name: string, startLog?: LogStarter): void {
  describe(`the recorded live session, replayed from ${name}`, () => {
    let world: World;
    let gateway: RunningGateway;
    /** Of engines in memory: what every other engine has to serve, to the byte. */
    let expected: Awaited<ReturnType<typeof served>>;

    beforeAll(async () => {
      const reference = await replayed(memoryEngines());
      expected = await served(reference.gateway);
      await reference.gateway.stop();
      await reference.world.close();
      ({ world, gateway } = await replayed(await realEngines(await startLog?.())));
    });

    afterAll(async () => {
      await gateway?.stop();
      await world?.close();
    });

    test('has what a session has: two visits with a break between them, and playlists that grew', () => {
      const count = (text: string | undefined): number => text?.match(/^#EXTINF/gm)?.length ?? 0;
      const counts = session.moments.map(({ playlists }) => count(playlists['240p']));
      expect(counts).toEqual(counts.toSorted((a, b) => a - b));
      expect(new Set(counts).size).toBeGreaterThan(2);
      expect(count(session.recording['240p'])).toBeGreaterThanOrEqual(6);
      expect(session.recording['240p']).toContain('#EXT-X-DISCONTINUITY\n');
      expect(session.recording['240p']).toContain('#EXT-X-ENDLIST');
    });

    test('says what was served while it was live: the same segments, times and breaks at every moment', () => {
      expect(expected.moments.map(essentialsOf)).toEqual(session.moments.map(({ playlists }) => essentialsOf(playlists)));
      expect(essentialsOf(expected.recording)).toEqual(essentialsOf(session.recording));
    });

    test('gives the same playlists, byte for byte, of now and of every moment, from the log and from pieces', async () => {
      expect(await served(gateway)).toEqual(expected);
      const { log, past, leases, clock } = world.engines;
      await new PastKeeper({ projections, owner: 'test', pieceEvents: 4, fan: 2 }, { log, past, leases, clock, logger: pino({ level: 'silent' }) }).catchUp();
      expect(await served(gateway)).toEqual(expected);
    });

    test('gives them again when the read models are made anew', async () => {
      for (const projection of projections) await world.engines.projections.reset(projection);
      await world.settle();
      expect(await served(gateway)).toEqual(expected);
    });
  });
}
