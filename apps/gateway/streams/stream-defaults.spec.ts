import { defaultLadder, type KnownEncodingProfile } from '#domain/stream';
import { describe, expect, test } from '@jest/globals';
import type { ProfileDesk } from '../profiles/profile-desk.ts';
import { StreamDefaults } from './stream-defaults.ts';

/** As one of an older release may lie there. */
function kept(ladder: KnownEncodingProfile['ladder']): ProfileDesk {
  const profile = { name: 'evening', ladder, audioBitrate: 128_000, segmentDurationMs: 2000 } as KnownEncodingProfile;
  return { find: (_tenant: string, name: string) => Promise.resolve(name === 'evening' ? profile : undefined) } as unknown as ProfileDesk;
}

const init = { dvrWindowMs: 3_600_000, passThroughTenants: new Set<string>() };

describe('settings that come from an encoding profile', () => {
  test('are used as they are', async () => {
    expect(await new StreamDefaults(init, kept(defaultLadder)).settingsFor('default', 'evening')).toMatchObject({ ladder: defaultLadder });
  });

  test('with a rung whose name has become a file of ours make no stream, and the answer names profile and rung', async () => {
    const old = new StreamDefaults(init, kept([{ name: 'manifest', height: 720, videoBitrate: 2_000_000 }]));
    await expect(old.settingsFor('default', 'evening')).rejects.toMatchObject({
      init: { status: 409, code: 'unusable-profile' },
      message: expect.stringMatching(/profile evening .* ladder\.0\.name: The name "manifest" is reserved/),
    });
  });
});
