import { cacheOutcomes } from '#events';
import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { notTunnelled, replyHead, switched, unloggedHead, type ByteSource, type EdgeReply, type EdgeRequest, type AnsweringZone } from '../server/exchange.ts';
import { hourMs, minuteMs, Periods, type PeriodNews } from './periods.ts';
import { Picker } from './picker.core.ts';
import { RequestLog } from './request-log.ts';
import type { RequestLine } from './request-line.ts';
import { TrafficRecorder } from './traffic-recorder.ts';
import { zonesApartMax } from './zone-totals.ts';

const zone: AnsweringZone = { id: 'zn-1', tenant: 'acme', hostInKey: false, keyOfUrl: (url) => url };

function requestOf(method = 'GET', more: Partial<EdgeRequest> = {}): EdgeRequest {
  return {
    ...{ method, target: '/a', version: '1.1', hasBody: false, contentLength: undefined, clientAddress: '192.0.2.1', scheme: 'http' },
    field: (name) => ({ host: 'www.example.org', 'user-agent': 'curl/8' })[name],
    fields: () => [],
    gone: new AbortController().signal,
    body: () => undefined,
    allowSilence: () => undefined,
    tunnel: async () => notTunnelled,
    ...more,
  };
}

function recorder() {
  const periods = new Periods(0);
  const lines: RequestLine[] = [];
  const made = new TrafficRecorder({
    ...{ periods, picker: new Picker({ perSecond: 1000, dice: new Prng(1) }), now: () => 5, zoneOf: () => zone },
    onLine: (line) => lines.push(line),
  });
  const counted = (): object | undefined => periods.running('minute')[0]?.zones[0];
  return { made, lines, counted };
}

const hit: EdgeReply = { head: replyHead(200, [['cache-status', 'e; hit; ttl=5']]), body: new Uint8Array(1000) };
const missHead = replyHead(200, [['cache-status', 'e; fwd=uri-miss; fwd-status=200']]);

function source(pieces: readonly (Uint8Array | Error)[]): ByteSource & { cancelled: boolean } {
  const left = [...pieces];
  return {
    cancelled: false,
    async read() {
      const piece = left.shift();
      if (piece instanceof Error) throw piece;
      return piece;
    },
    cancel() {
      this.cancelled = true;
    },
  };
}

describe('TrafficRecorder', () => {
  test('a hit is answered at once, as it is, and counted', () => {
    const { counted, lines, made } = recorder();
    expect(made.record(() => hit)(requestOf())).toBe(hit);
    expect(counted()).toMatchObject({ zone: 'zn-1', requests: 1, bytes: 1000, bytesCached: 1000, statuses: { '2xx': 1 }, cache: { hit: 1 } });
    expect(lines).toMatchObject([{ at: 5, status: 200, bytes: 1000, complete: true, durationMs: 0, weight: 1 }]);
  });

  test('HEAD has no body, whatever lies there', async () => {
    const { counted, made } = recorder();
    void made.record(() => hit)(requestOf('HEAD'));
    const body = source([new Uint8Array(5)]);
    const reply = await made.record(async () => ({ head: missHead, body }))(requestOf('HEAD'));
    expect(reply.body).toBe(body);
    expect(counted()).toMatchObject({ requests: 2, bytes: 0 });
  });

  test('a body that is streamed counts as it is taken, and ends its line', async () => {
    const { counted, lines, made } = recorder();
    const reply = await made.record(async () => ({ head: missHead, body: source([new Uint8Array(3), new Uint8Array(4)]) }))(requestOf());
    const body = reply.body as ByteSource;
    expect((await body.read())?.length).toBe(3);
    expect(counted()).toMatchObject({ requests: 1, bytes: 3, bytesCached: 0, cache: { miss: 1 } });
    expect(lines).toEqual([]);
    await body.read();
    expect(await body.read()).toBeUndefined();
    body.cancel();
    expect(lines).toMatchObject([{ bytes: 7, complete: true }]);
  });

  test.each(['the client goes away', 'the rest never comes'])('%s: the line is of what went out', async (why) => {
    const { counted, lines, made } = recorder();
    const inner = source([new Uint8Array(3), new Error('broken off')]);
    const reply = await made.record(async () => ({ head: missHead, body: inner }))(requestOf());
    const body = reply.body as ByteSource;
    await body.read();
    if (why === 'the client goes away') body.cancel();
    else await expect(body.read()).rejects.toThrow('broken off');
    expect(inner.cancelled).toBe(why === 'the client goes away');
    expect(counted()).toMatchObject({ bytes: 3 });
    expect(lines).toMatchObject([{ bytes: 3, complete: false }]);
  });

  test('what comes for a client that has gone meanwhile is counted nowhere', async () => {
    const { counted, lines, made } = recorder();
    const reply = await made.record(async () => ({ head: missHead, body: source([new Uint8Array(3), new Uint8Array(7)]) }))(requestOf());
    const body = reply.body as ByteSource;
    await body.read();
    const late = body.read();
    body.cancel();
    await late;
    expect(counted()).toMatchObject({ requests: 1, bytes: 3 });
    expect(lines).toMatchObject([{ bytes: 3, complete: false }]);
  });

  test('who did not wait for the answer got none of it', async () => {
    const { counted, lines, made } = recorder();
    await made.record(async () => ({ head: missHead, body: new Uint8Array(9) }))(requestOf('GET', { gone: AbortSignal.abort() }));
    expect(counted()).toMatchObject({ requests: 1, bytes: 0 });
    expect(lines).toMatchObject([{ bytes: 0, complete: false }]);
  });

  test('a WebSocket is one line, when it has ended', async () => {
    const { counted, lines, made } = recorder();
    const over = Promise.withResolvers<number>();
    await made.record(async () => switched)(requestOf('GET', { tunnelled: over.promise }));
    expect([counted(), lines]).toMatchObject([{ requests: 1, statuses: { '1xx': 1 }, cache: { pass: 1 } }, []]);
    over.resolve(77);
    await over.promise;
    expect(counted()).toMatchObject({ bytes: 77 });
    expect(lines).toMatchObject([{ status: 101, bytes: 77 }]);
  });

  test('probes are no traffic', async () => {
    const { counted, lines, made } = recorder();
    await made.record(async () => ({ head: unloggedHead(200, []), body: null }))(requestOf());
    expect([counted(), lines]).toEqual([undefined, []]);
  });
});

describe('Periods', () => {
  const count = (periods: Periods, id: string, bytes: number): void => {
    const counter = periods.of({ id, tenant: id === 'zn-b' ? 'beta' : 'acme' });
    counter.now.answer(1, 0, 3);
    counter.now.bytes(bytes, 0);
  };
  const sums = (news: readonly PeriodNews[]): object[] =>
    news.map(({ period, startMs, tenant, zones }) => ({ period, startMs, tenant, zones: zones.map((one) => [one.zone, one.requests, one.bytes]) }));

  test('what was not asked for since is not told again; a minute that is over is, with what came last', () => {
    const periods = new Periods(10);
    count(periods, 'zn-a', 5);
    expect(sums(periods.running('minute'))).toEqual([{ period: 'minute', startMs: 0, tenant: 'acme', zones: [['zn-a', 1, 5]] }]);
    expect(periods.running('minute')).toEqual([]);
    count(periods, 'zn-a', 5);
    count(periods, '', 1);
    periods.roll(minuteMs + 3);
    expect(sums(periods.finished())).toEqual([{ period: 'minute', startMs: 0, tenant: 'acme', zones: [['zn-a', 2, 10], [null, 1, 1]] }]); // prettier-ignore
    expect([periods.finished(), periods.running('minute')]).toEqual([[], []]);
  });

  test('tenants are told apart', () => {
    const periods = new Periods(0);
    for (const id of ['zn-a', 'zn-b']) count(periods, id, 1);
    expect(sums(periods.running('minute')).map((news) => (news as PeriodNews).tenant)).toEqual(['acme', 'beta']);
  });

  test('an hour is the sum of its minutes, told or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ zone: fc.constantFrom('zn-a', 'zn-b', ''), bytes: fc.nat(100), afterMs: fc.nat(200_000) }), { maxLength: 80 }),
        (steps) => {
          const periods = new Periods(0);
          const [minutes, hours] = [new Map<string, number>(), new Map<string, number>()];
          const hear = (news: readonly PeriodNews[]): void => {
            for (const { period, startMs, zones } of news)
              for (const one of zones) (period === 'hour' ? hours : minutes).set(`${startMs} ${one.zone}`, one.requests * 1e6 + one.bytes);
          };
          let nowMs = 0;
          let [requests, bytes] = [0, 0];
          for (const step of steps) {
            count(periods, step.zone, step.bytes);
            requests++;
            bytes += step.bytes;
            nowMs += step.afterMs;
            if (step.bytes % 3 === 0) hear(periods.running('minute'));
            if (step.bytes % 5 === 0) hear(periods.running('hour'));
            periods.roll(nowMs);
            hear(periods.finished());
          }
          hear(periods.running('minute'));
          hear(periods.running('hour'));
          const total = (of: Map<string, number>): number => [...of.values()].reduce((sum, one) => sum + one, 0);
          expect([total(minutes), total(hours)]).toEqual([requests * 1e6 + bytes, requests * 1e6 + bytes]);
        },
      ),
    );
  });

  test('what nobody is told of does not grow without end', () => {
    const periods = new Periods(0);
    for (let minute = 1; minute <= 48 * 60; minute++) {
      count(periods, 'zn-a', 1);
      periods.roll(minute * minuteMs);
    }
    const kept = periods.finished();
    expect([kept.filter(({ period }) => period === 'minute').length, kept.filter(({ period }) => period === 'hour').length]).toEqual([120, 24]);
    expect(periods.lost).toBe(48 * 60 - 120 + 48 - 24);
    expect(kept.at(-1)?.startMs).toBe(47 * hourMs);
  });
});

describe('RequestLog', () => {
  const line = (tenant = 'acme', weight = 1, target = '/a'): RequestLine => ({ zone: { ...zone, tenant }, weight, target }) as RequestLine;

  test('so many lines wait and no more; how many were lost is told with the next batch of their tenant', () => {
    const log = new RequestLog({ sample: 1, waitingMax: 3, dice: new Prng(1) });
    for (let at = 0; at < 5; at++) log.add(line());
    log.add(line('beta'));
    expect([log.waiting, log.counts.dropped]).toEqual([3, 3]);
    const [batch, ...others] = log.take();
    expect([batch?.lines.length, batch?.dropped, others]).toEqual([3, 2, []]);
    log.add(line('beta'));
    expect(log.take()).toMatchObject([{ tenant: 'beta', dropped: 1 }]);
    log.lost(batch as never);
    log.add(line());
    expect(log.take()).toMatchObject([{ tenant: 'acme', dropped: 5 }]);
  });

  test('a batch is of one rate, has 500 lines at most, and fits into a record', () => {
    const log = new RequestLog({ sample: 0.5, waitingMax: 10_000, dice: { next: () => 0 } });
    for (let at = 0; at < 1200; at++) log.add(line('acme', at % 2 === 0 ? 1 : 4));
    expect(log.take().map(({ lines, sampleRate }) => [lines.length, sampleRate])).toEqual([[500, 0.5], [100, 0.5], [500, 0.125], [100, 0.125]]); // prettier-ignore
    for (let at = 0; at < 500; at++) log.add(line('acme', 1, '/'.repeat(5000)));
    expect(log.take().map(({ lines }) => lines.length)).toEqual([260, 240]);
  });

  test('a sample is what it says', () => {
    const log = new RequestLog({ sample: 0.1, waitingMax: 10_000, dice: new Prng(7) });
    for (let at = 0; at < 20_000; at++) log.add(line());
    expect(Math.abs(log.waiting / 2000 - 1)).toBeLessThan(0.1);
    const none = new RequestLog({ sample: 0, waitingMax: 10, dice: new Prng(7) });
    for (let at = 0; at < 1000; at++) none.add(line());
    expect([none.waiting, none.counts.dropped]).toEqual([0, 0]);
  });

  test('a zone has its own share where it says so, and a batch never mixes two', () => {
    const log = new RequestLog({ sample: 0.5, waitingMax: 10_000, dice: { next: () => 0.3 } });
    const shares = [undefined, 0, 0.25, 0.4, 1];
    for (const accessSample of shares) log.add({ ...line(), zone: { ...zone, id: String(accessSample), accessSample } });
    // What was picked as one of four stands for four times as many.
    log.add({ ...line('acme', 4), zone: { ...zone, accessSample: 1 } });
    expect(log.take().map(({ lines, sampleRate }) => [lines.map((one) => one.zone.id), sampleRate])).toEqual([
      [['undefined'], 0.5],
      [['0.4'], 0.4],
      [['1'], 1],
      [['zn-1'], 0.25],
    ]);
  });
});

describe('what zones have come to', () => {
  const count = (periods: Periods, id: string, requests: number, outcome = 0): void => {
    for (let at = 0; at < requests; at++) periods.of({ id, tenant: 't' }).now.answer(1, outcome, 0);
    periods.of({ id, tenant: 't' }).now.bytes(10 * requests, outcome);
  };

  test('only grows, over the ends of minutes and hours', () => {
    const periods = new Periods(0);
    let before = 0;
    for (let minute = 0; minute < 130; minute++) {
      count(periods, '', 2);
      count(periods, 'zn-1', 1, cacheOutcomes.indexOf('stale'));
      count(periods, 'zn-1', 2, cacheOutcomes.indexOf('miss'));
      const now = periods.totals().get('zn-1')?.requests ?? 0;
      expect(now).toBe(before + 3);
      before = now;
      periods.roll((minute + 1) * minuteMs);
      expect(periods.totals().get('zn-1')?.requests).toBe(before);
    }
    expect([...periods.totals()]).toEqual([
      ['platform', { requests: 260, bytes: 2600, hits: 260 }],
      ['zn-1', { requests: 390, bytes: 3900, hits: 130 }],
    ]);
  });

  test('is of so many zones and no more: what comes later is counted together', () => {
    const periods = new Periods(0);
    for (let at = 0; at < zonesApartMax + 50; at++) count(periods, `zn-${at}`, 1);
    const first = periods.totals();
    expect([first.size, first.get('other'), first.get('zn-0')?.requests]).toEqual([zonesApartMax + 1, { requests: 50, bytes: 500, hits: 50 }, 1]);
    periods.roll(minuteMs);
    for (let at = 0; at < zonesApartMax + 50; at++) count(periods, `zn-${at}`, 1);
    expect([periods.totals().size, periods.totals().get('other')?.requests, periods.totals().get('zn-0')?.requests]).toEqual([zonesApartMax + 1, 100, 2]);
  });
});
