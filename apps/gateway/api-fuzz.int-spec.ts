import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FuzzedWorld } from './testing/fuzz/fuzzed-world.ts';
import { World } from './testing/gateway.fixture.ts';

let fuzzed: FuzzedWorld;

beforeAll(async () => void (fuzzed = await FuzzedWorld.open(await World.open())));
afterAll(() => fuzzed.close());

describe('whatever is called', () => {
  test('nobody without the right changes anything, and nothing breaks', async () => {
    const { byStatus, failures, changes } = await fuzzed.asOthers(1_000, 1);
    expect(failures).toEqual([]);
    expect(changes).toEqual([]);
    // The calls reach every kind of judgement: otherwise nothing was tried.
    expect(byStatus).toMatchObject({ 200: expect.any(Number), 400: expect.any(Number), 401: expect.any(Number), 403: expect.any(Number) });
    expect(byStatus['401']).toBeGreaterThan(100);
    expect(byStatus['403']).toBeGreaterThan(100);
  });

  test('nor over gRPC, by messages right and broken', async () => {
    const { byCode, failures, changes } = await fuzzed.protoAsOthers(600, 3);
    expect(failures).toEqual([]);
    expect(changes).toEqual([]);
    expect(byCode).toMatchObject({ OK: expect.any(Number), UNAUTHENTICATED: expect.any(Number), PERMISSION_DENIED: expect.any(Number) });
    const admin = await fuzzed.protoAsAdmin(1_000, 4);
    expect(admin.failures).toEqual([]);
    expect(admin.byCode).toMatchObject({ OK: expect.any(Number), INVALID_ARGUMENT: expect.any(Number) });
  });

  test('not even an admin breaks anything', async () => {
    const { byStatus, failures } = await fuzzed.asAdmin(2_000, 2);
    expect(failures).toEqual([]);
    expect(byStatus).toMatchObject({ 200: expect.any(Number), 201: expect.any(Number), 400: expect.any(Number), 404: expect.any(Number) });
    expect(byStatus['400']).toBeGreaterThan(100);
    // Bodies are made up, and the more operations there are the fewer of them make something.
    expect(byStatus['201']).toBeGreaterThan(0);
  });
});
