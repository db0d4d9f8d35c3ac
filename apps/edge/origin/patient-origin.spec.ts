import { describe, expect, test } from '@jest/globals';
import type { GuardedRequest } from './guarded-origin.ts';
import { OriginError, type OriginResponse } from './origin-client.ts';
import { PatientOrigin } from './patient-origin.ts';

const ok: OriginResponse = { status: 200, fields: [], body: null };
const away = new OriginError('ORIGIN_UNREACHABLE', 'The origin cannot be reached.');
const get = (target: string, patient = true): GuardedRequest => ({ method: 'GET', target, fields: [], patient });

/** An origin that is away from one moment to another; time passes where it is waited. */
function origin(awayFromMs: number, backAtMs: number) {
  const clock = { nowMs: 0 };
  const asked: string[] = [];
  const source = {
    request: async ({ target }: GuardedRequest) => {
      asked.push(target);
      if (clock.nowMs >= awayFromMs && clock.nowMs < backAtMs) throw away;
      return ok;
    },
  };
  const wait = async (ms: number): Promise<void> => void (clock.nowMs += ms);
  return { clock, asked, patient: new PatientOrigin(source, { patienceMs: 1000, againMs: 250, probeTarget: '/probe' }, { now: () => clock.nowMs, wait }) };
}

describe('an origin that is waited for', () => {
  test('is looked for by one, and asked again by all who wait when it is back', async () => {
    const { asked, clock, patient } = origin(0, 600);
    expect(await Promise.all([patient.request(get('/a')), patient.request(get('/b')), patient.request(get('/c'))])).toEqual([ok, ok, ok]);
    expect(asked).toEqual(['/a', '/b', '/c', '/probe', '/probe', '/probe', '/a', '/b', '/c']);
    expect(clock.nowMs).toBe(750);
  });

  test('is given up when it has been away for long, and then by all at once until it answers', async () => {
    const { asked, clock, patient } = origin(0, 5000);
    await expect(patient.request(get('/a'))).rejects.toBe(away);
    expect(clock.nowMs).toBe(1000);
    asked.length = 0;
    await expect(patient.request(get('/b'))).rejects.toBe(away);
    expect([clock.nowMs, asked]).toEqual([1000, ['/b']]);
    clock.nowMs = 5000;
    expect(await patient.request(get('/c'))).toBe(ok);
  });

  test('is waited for anew when it goes away again', async () => {
    const { clock, patient } = origin(2000, 2100);
    expect(await patient.request(get('/a'))).toBe(ok);
    clock.nowMs = 2000;
    expect(await patient.request(get('/b'))).toBe(ok);
    expect(clock.nowMs).toBe(2250);
  });

  test('is waited for anew when nobody has asked for so long that it may have been back meanwhile', async () => {
    const { clock, patient } = origin(0, 5000);
    await expect(patient.request(get('/a'))).rejects.toBe(away);
    clock.nowMs = 4500;
    expect(await patient.request(get('/b'))).toBe(ok);
    expect(clock.nowMs).toBe(5000);
  });

  test('is not waited for by what something else can stand in for, nor for another failure than that it is away', async () => {
    const { asked, patient } = origin(0, 600);
    await expect(patient.request(get('/a', false))).rejects.toBe(away);
    expect(asked).toEqual(['/a']);
    const late = new OriginError('ORIGIN_TIMEOUT', 'late');
    const slow = new PatientOrigin({ request: () => Promise.reject(late) }, { patienceMs: 1000, againMs: 250, probeTarget: '/probe' }, { now: () => 0 });
    await expect(slow.request(get('/a'))).rejects.toBe(late);
  });

  test.each([
    ['GET', true, 2],
    ['GET', false, 1],
    ['POST', true, 1],
  ])('%s that it lost before it answered (patient: %s) is asked for %i times in all', async (method, isPatient, times) => {
    const lost = new OriginError('ORIGIN_INVALID', 'lost', Object.assign(new Error(), { code: 'ECONNRESET' }));
    const asked: number[] = [];
    let nowMs = 0;
    const dying = { request: () => Promise.reject((asked.push(nowMs), lost)) };
    const wait = async (ms: number): Promise<void> => void (nowMs += ms);
    const patient = new PatientOrigin(dying, { patienceMs: 1000, againMs: 250, probeTarget: '/probe' }, { now: () => nowMs, wait });
    await expect(patient.request({ method, target: '/a', fields: [], patient: isPatient })).rejects.toBe(lost);
    expect(asked).toEqual([0, 250].slice(0, times));
  });

  describe('also by what brings a body', () => {
    /** Reads a body to its end before it answers, as far as it was read ahead before it was known that nobody is there. */
    function reading(awayTries: number, readAhead: number) {
      const got: string[] = [];
      let tries = 0;
      const source = {
        request: async ({ body, method }: GuardedRequest): Promise<OriginResponse> => {
          if (method === 'GET') return ok;
          if (tries++ < awayTries) {
            for (let read = 0; read < readAhead; read++) await body?.read();
            body?.cancel();
            throw away;
          }
          for (let bytes = await body?.read(); bytes !== undefined; bytes = await body?.read()) got.push(new TextDecoder().decode(bytes));
          return ok;
        },
      };
      const clock = { nowMs: 0 };
      const wait = async (ms: number): Promise<void> => void (clock.nowMs += ms);
      return { got, patient: new PatientOrigin(source, { patienceMs: 1000, againMs: 250, probeTarget: '/probe' }, { now: () => clock.nowMs, wait }) };
    }

    const bodyOf = (pieces: readonly string[]) => {
      const left = pieces.map((piece) => new TextEncoder().encode(piece));
      const cancelled: number[] = [];
      return { cancelled, body: { read: async () => left.shift(), cancel: () => void cancelled.push(left.length) } };
    };

    test.each([0, 1, 2, 9])('of which %i pieces were read ahead', async (readAhead) => {
      const { got, patient } = reading(2, readAhead);
      const { body, cancelled } = bodyOf(['one', 'two', 'three']);
      expect(await patient.request({ method: 'POST', target: '/a', fields: [], patient: true, body })).toBe(ok);
      expect(got).toEqual(['one', 'two', 'three']);
      // Who gave it up is not who has it now.
      expect(cancelled).toEqual([]);
    });

    test('but not of which too much was read to read it again', async () => {
      const { got, patient } = reading(1, 3);
      const { body, cancelled } = bodyOf(['x'.repeat(40_000), 'y'.repeat(40_000), 'z']);
      await expect(patient.request({ method: 'POST', target: '/a', fields: [], patient: true, body })).rejects.toBe(away);
      expect([got, cancelled.length > 0]).toEqual([[], true]);
    });
  });
});
