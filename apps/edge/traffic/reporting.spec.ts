import type { DraftOf, popularityReported, requestsServed, trafficReported } from '#events';
import { OperatingError, Prng } from '#kernel';
import { createLogger } from '#runtime';
import { describe, expect, test } from '@jest/globals';
import type { AnsweringZone } from '../server/exchange.ts';
import { Periods } from './periods.ts';
import { Picker } from './picker.core.ts';
import { RequestLog } from './request-log.ts';
import type { RequestLine } from './request-line.ts';
import { TrafficReporter } from './traffic-reporter.ts';

type Draft = DraftOf<typeof requestsServed | typeof trafficReported | typeof popularityReported>;

const zoneOf = (id: string, tenant: string): AnsweringZone => ({ id, tenant, hostInKey: false, keyOfUrl: (url) => url });
const log = { outcome: 0, statusClass: 1, contentType: 'text/css' };
const line = (zone: AnsweringZone, target = '/a'): RequestLine => ({
  ...{ at: 5, zone, host: 'www.example', method: 'GET', target, address: '192.0.2.1', agent: undefined, weight: 1 },
  ...{ status: 200, log, bytes: 10, durationMs: 0, complete: true },
});

/** A log that is away until it is let go, or refuses what it gets. */
async function reporter(refuses = false) {
  const told: { readonly tenant: string | undefined; readonly draft: Draft }[] = [];
  const fatal: unknown[] = [];
  const gate = Promise.withResolvers<void>();
  const publish = async (_context: string, drafts: readonly object[], tenant?: string): Promise<void> => {
    await gate.promise;
    if (refuses) throw new OperatingError('No.', { code: 'EVENT_INVALID', retryable: false });
    for (const draft of drafts) told.push({ tenant, draft: draft as Draft });
  };
  const clock = { nowMs: 1000 };
  const periods = new Periods(clock.nowMs);
  const requests = new RequestLog({ sample: 1, waitingMax: 50, dice: new Prng(1) });
  const logger = await createLogger({ name: 'edge', node: 'edge-1', logFormat: 'json', logLevel: 'silent' });
  const made = new TrafficReporter(
    { edgeId: 'edge-1', region: 'local', incarnation: 1 },
    {
      ...{ facts: { publish }, periods, requests, logger, picker: new Picker({ perSecond: 1000, dice: new Prng(1) }) },
      log: { ensureTopic: async () => undefined },
      now: () => clock.nowMs,
      onFatal: (error) => fatal.push(error),
    },
  );
  const served = () => told.flatMap(({ draft, tenant }) => (draft.type === 'requests.served' ? [{ tenant, ...draft.data }] : []));
  return { made, requests, periods, clock, gate, told, served, fatal };
}

describe('TrafficReporter', () => {
  test('while the log is away nothing grows beyond its bound; when it is back, it is told what is left and how much is lost', async () => {
    const { gate, made, requests, served } = await reporter();
    const zone = zoneOf('zn-a', 'acme');
    made.take(line(zone));
    const waiting = made.finish();
    for (let at = 0; at < 100_000; at++) made.take(line(zone, `/${at}`));
    expect([requests.waiting, requests.counts.dropped]).toEqual([50, 99_950]);
    gate.resolve();
    await waiting;
    await made.finish();
    expect(served().map(({ dropped, requests: lines }) => [lines.length, dropped])).toEqual([[1, 0], [50, 99_950]]); // prettier-ignore
    expect(requests.counts).toEqual({ told: 51, dropped: 99_950 });
  });

  test('each tenant is told its own alone, the platform what is nobody else’s', async () => {
    const { gate, made, periods, told } = await reporter();
    gate.resolve();
    for (const zone of [zoneOf('zn-a', 'acme'), zoneOf('zn-b', 'beta'), zoneOf('', '')]) {
      made.take(line(zone));
      periods.of(zone).now.answer(1, 0, 0);
    }
    await made.finish();
    const zones = told.map(({ draft, tenant }) => {
      const { data } = draft;
      const named = 'requests' in data ? data.requests : 'zones' in data ? data.zones : [data];
      return [tenant ?? 'default', ...new Set(named.map(({ zone }) => zone))];
    });
    expect(new Set(zones.map(String))).toEqual(new Set(['acme,zn-a', 'beta,zn-b', 'default,']));
    expect(zones).toHaveLength(12);
  });

  test('favourites of an hour that is over are told, too, and do not go on in the next', async () => {
    const { clock, gate, made, told } = await reporter();
    gate.resolve();
    const zone = zoneOf('zn-a', 'acme');
    made.take(line(zone, '/first'));
    clock.nowMs += 3_600_000;
    await made.finish();
    made.take(line(zone, '/second'));
    await made.finish();
    const favourites = told.flatMap(({ draft }) =>
      draft.type === 'popularity.reported' ? [[draft.data.hourMs, draft.data.objects.map(({ path }) => path)]] : [],
    );
    expect(favourites).toEqual([[0, ['/first']], [3_600_000, ['/second']]]); // prettier-ignore
  });

  test('what the log refuses is lost and counted, and no reason for the edge to end', async () => {
    const { fatal, gate, made, requests } = await reporter(true);
    gate.resolve();
    made.take(line(zoneOf('', '')));
    await made.finish();
    expect([requests.counts, fatal]).toEqual([{ told: 0, dropped: 1 }, []]);
  });
});
