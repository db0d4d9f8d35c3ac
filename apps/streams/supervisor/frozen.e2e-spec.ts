/** @needs ffmpeg */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Platform, until } from '../../../test/constellation/platform.ts';
import { identify } from '../machine/process-identity.ts';

describe('frozen processes of a running platform', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start({ env: { STREAMS_FROZEN_AFTER_MS: '5000', METRICS_PORT: '0' } });
  });
  afterAll(() => platform?.stop());

  test.each(['edge', 'gateway', 'ingest', 'media', 'projector', 'postgres', 'guard'] as const)('%s is ended and replaced', async (part) => {
    const victim = platform.processes(part)[0]?.pid ?? 0;
    process.kill(victim, 'SIGSTOP');
    await until(
      () => identify(victim) === undefined && platform.processes(part).length > 0,
      60_000,
      () => `No new ${part}:\n${platform.log.slice(-3000)}`,
    );
    await until(
      async () => (await fetch(`${platform.edgeUrl}/readyz`).catch(() => undefined))?.ok === true,
      60_000,
      () => `The platform did not come back:\n${platform.log.slice(-3000)}`,
    );
    expect(platform.log).toContain(
      part === 'postgres' ? 'PostgreSQL is frozen: it has not answered' : `${part === 'guard' ? 'postgres' : part} is frozen: it has said nothing`,
    );
  });
});
