import { describe, expect, test } from '@jest/globals';
import { encodingProfileConfigured, encodingProfileRemoved } from '#events';
import { encodingProfileDecider, type EncodingProfileCommand, type EncodingProfileDraft, type EncodingProfileState } from './encoding-profile.decider.ts';
import { streamContextAggregate } from './stream-aggregates.ts';

const settings = {
  profileId: 'pf-1',
  name: 'sports',
  description: '',
  ladder: [{ name: '720p', height: 720, videoBitrate: 2_800_000 }],
  audioBitrate: 128_000,
  segmentDurationMs: 2000,
};
const configure: EncodingProfileCommand = { type: 'ConfigureEncodingProfile', ...settings, reason: 'faster cuts' };
const configured = { ...settings, reason: 'faster cuts' };
const remove: EncodingProfileCommand = { type: 'RemoveEncodingProfile', reason: 'unused' };

/** What the last of the commands caused or was refused for. */
function last(...commands: readonly EncodingProfileCommand[]): { readonly events: readonly EncodingProfileDraft[]; readonly refusal: string | undefined } {
  let state: EncodingProfileState = encodingProfileDecider.initialState;
  let said: ReturnType<typeof last> = { events: [], refusal: undefined };
  for (const command of commands) {
    const decision = encodingProfileDecider.decide(command, state);
    said = { events: decision.events, refusal: decision.refused ? `${decision.code} ${decision.message}` : undefined };
    // As heads are folded from the log, too.
    state = decision.events.reduce((at, event) => streamContextAggregate.decider.evolve(at as never, event) as EncodingProfileState, state);
  }
  return said;
}

describe('an encoding profile', () => {
  test('is what it was configured as last, and the same again changes nothing', () => {
    expect(last(configure).events).toEqual([encodingProfileConfigured.draft(configured)]);
    expect(last(configure, { ...configure, reason: 'again' }).events).toEqual([]);
    // As a database gives the fields back.
    const reordered = { ...configure, ladder: [{ videoBitrate: 2_800_000, height: 720, name: '720p' }] };
    expect(last(configure, reordered).events).toEqual([]);
    expect(last(configure, { ...configure, audioBitrate: 96_000 }).events).toEqual([encodingProfileConfigured.draft({ ...configured, audioBitrate: 96_000 })]);
  });

  test.each([
    ['a rung twice', { ladder: [...settings.ladder, ...settings.ladder] }, 'ladder.1.name'],
    ['an odd height', { ladder: [{ name: 'x', height: 721, videoBitrate: 1_000_000 }] }, 'ladder.0.height'],
    ['half a second', { segmentDurationMs: 500 }, 'segmentDurationMs'],
  ])('is refused with %s, naming the field', (_name, wrong, field) => {
    const { events, refusal } = last({ ...configure, ...wrong });
    expect(events).toEqual([]);
    expect(refusal).toContain(`invalid-settings ${field}: `);
  });

  test('is removed once, and may come back', () => {
    expect(last(configure, remove).events).toEqual([encodingProfileRemoved.draft({ profileId: 'pf-1', reason: 'unused' })]);
    expect(last(configure, remove, remove).refusal).toContain('unknown-profile');
    expect(last(remove).refusal).toContain('unknown-profile');
    expect(last(configure, remove, configure).events).toHaveLength(1);
  });
});
