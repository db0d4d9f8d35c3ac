import {
  edgeAdmitted,
  edgeDrained,
  edgeRemoved,
  edgeResumed,
  edgeScaleAdvised,
  effectAbandoned,
  effectFailed,
  effectRetryRequested,
  effectSucceeded,
  encodingProfileConfigured,
  encodingProfileRemoved,
  reactorReset,
  recordingFailed,
  recordingFinished,
  webhookChanged,
  webhookDisabled,
  webhookRegistered,
  webhookRemoved,
  webhookSecretRotated,
  warmFinished,
  warmRequested,
  webhookTestRequested,
  zoneConfigured,
  prefetchModelPublished,
  purgePolicySet,
  zoneHostsClaimed,
  zoneRemoved,
  type AnyDefinition,
  type DraftOf,
} from '#events';
import type { Prng } from '#kernel';

type Draft = DraftOf<AnyDefinition>;

const count = 6;

function webhook(dice: Prng, webhookId: string): readonly Draft[] {
  const settings = () => ({
    webhookId,
    url: `https://example.com/${dice.nextInteger(1, 9)}`,
    description: 'ü',
    contexts: null,
    types: ['a', 'b'],
    subject: null,
  });
  const drafts: Draft[] = [webhookRegistered.draft({ ...settings(), registeredAtMs: 1_790_000_000_000 })];
  for (let times = dice.nextInteger(0, 3); times > 0; times--) drafts.push(webhookChanged.draft({ ...settings(), enabled: dice.next() < 0.5, reason: '' }));
  drafts.push(
    webhookSecretRotated.draft({ webhookId, number: 2, previousUntilMs: 1_790_000_000_000, reason: 'leaked' }),
    webhookTestRequested.draft({ webhookId, number: 1 }),
  );
  if (dice.next() < 0.5) drafts.push(webhookDisabled.draft({ webhookId, reason: 'failing', detail: 'HTTP 500' }));
  // Whoever reads this history must deliver nothing.
  drafts.push(webhookRemoved.draft({ webhookId, reason: 'moved' }));
  return drafts;
}

/** Encoder settings that change, go and may come back. What a version says is the same in every history: there is one of a number. */
function encodingProfile(dice: Prng, profileId: string): readonly Draft[] {
  const configured = (version: number): Draft =>
    encodingProfileConfigured.draft({
      profileId,
      name: `profile-${profileId}`,
      description: 'history',
      ladder: [{ name: '720p', height: 720, videoBitrate: version * 1_000_000 }],
      audioBitrate: 128_000,
      segmentDurationMs: 2000,
      reason: '',
    });
  const again = dice.next() < 0.5 ? [configured(4)] : [];
  return [configured(1), configured(2), encodingProfileRemoved.draft({ profileId, reason: 'unused' }), ...again];
}

/** A zone that changes, goes and may come back, with the claims on its host. */
function zone(dice: Prng, at: number): readonly Draft[] {
  const zoneId = `zn-${at}`;
  const host = `www.site-${at}.example`;
  const claimed = (hosts: string[]): Draft =>
    zoneHostsClaimed.draft({ domain: `site-${at}.example`, zoneId, owner: 'default', hosts, claimedAtMs: 1_790_000_000_000 });
  const configured = (zoneVersion: number): Draft =>
    zoneConfigured.draft({
      zoneId,
      name: `site-${at}`,
      zoneVersion,
      epoch: zoneVersion,
      configuration: { hosts: [host], origins: [{ url: `https://origin-${zoneVersion}.example` }] },
      shieldUrl: null,
      reason: 'history',
      rolledBackTo: zoneVersion === 4 ? 1 : null,
    });
  const removed = zoneRemoved.draft({ zoneId, name: `site-${at}`, zoneVersion: 3, reason: 'unused' });
  const again = dice.next() < 0.5 ? [claimed([host]), configured(4)] : [];
  const preferred = purgePolicySet.draft({ owner: `tenant-${at % 2}`, policy: dice.pick(['serve', 'refuse', null] as const), reason: 'why' });
  return [claimed([host]), configured(1), configured(2), removed, claimed([]), preferred, ...again];
}

/** A warming in two parts. */
function warm(warmId: string): readonly Draft[] {
  const common = { warmId, regions: ['eu'], edges: [], perSecond: 10, dryRun: false, parts: 2, total: 2, reason: 'history' };
  const part = (at: number): Draft => warmRequested.draft({ ...common, urls: [`/${at}`], sitemaps: at === 0 ? ['https://a.example/map.xml'] : [], part: at });
  return [part(0), part(1)];
}

/** An edge that shows a key, is drained, comes back and goes; and what its region should have. */
function fleet(dice: Prng, edgeId: string): readonly Draft[] {
  const decided = [edgeDrained, edgeResumed, edgeRemoved].map((definition) => definition.draft({ edgeId, reason: 'history' }));
  const again = dice.next() < 0.5 ? [edgeResumed.draft({ edgeId, reason: 'again' })] : [];
  const desired = dice.nextInteger(1, 9);
  const advice = edgeScaleAdvised.draft({ region: 'local', current: 2, desired, load: desired / 10, reason: 'history' });
  return [edgeAdmitted.draft({ edgeId, keyId: 'k-first' }), ...decided, edgeAdmitted.draft({ edgeId, keyId: 'k-next' }), ...again, advice];
}

/** What operators do with webhooks, effects, reactors, encoding profiles, zones, warmings and edges. */
export function operatorCommands(dice: Prng): readonly Draft[] {
  const each = Array.from({ length: count }, (_, at) => at);
  const retries = each.filter((at) => at % 2 === 0).map((at) => effectRetryRequested.draft({ effectKey: `ef-${at}`, reason: 'again' }));
  const resets = [1, 2].map((number) =>
    reactorReset.draft({
      reactor: 'webhooks',
      number,
      ...(number === 1 ? { from: 'beginning' as const, fromMs: null } : { from: 'time' as const, fromMs: 1_790_000_000_000 }),
      reason: 'why',
    }),
  );
  const profiles = [1, 2, 3].flatMap((at) => encodingProfile(dice, `pf-${at}`));
  return [
    ...each.flatMap((at) => webhook(dice, `wh-${at}`)),
    ...retries,
    ...resets,
    ...profiles,
    ...[1, 2, 3].flatMap((at) => zone(dice, at)),
    ...['wm-1', 'wm-2'].flatMap(warm),
    ...[0, 1].flatMap((at) => fleet(dice, `edge-${at}`)),
  ];
}

function recording(dice: Prng, streamId: string): readonly Draft[] {
  const failed = recordingFailed.draft({ streamId, round: 0, reason: 'broken', detail: 'ffmpeg ended with 1' });
  const cid = () => `bafkrei${dice.nextUint32().toString(36)}`.padEnd(59, 'a');
  const files = { mp4Cid: cid(), mp4Bytes: dice.nextInteger(1, 1e9), posterCid: cid(), posterBytes: 7 };
  const media = { durationMs: 600_000, videoCodec: 'h264', audioCodec: 'aac', width: 1280, height: 720, renditions: ['720p', 'audio'], segments: 300 };
  return dice.next() < 0.5 ? [failed, recordingFinished.draft({ streamId, round: 1, ...files, ...media })] : [failed];
}

/** How effects ended, some of them in two rounds. */
export function effectFacts(dice: Prng): readonly Draft[] {
  const ended = [
    (about: Parameters<typeof effectSucceeded.draft>[0]) => effectSucceeded.draft(about),
    (about: Parameters<typeof effectSucceeded.draft>[0]) => effectFailed.draft({ ...about, message: 'no' }),
    (about: Parameters<typeof effectSucceeded.draft>[0]) => effectAbandoned.draft({ ...about, message: 'HTTP 503' }),
  ];
  const recordings = Array.from({ length: count }, (_, at) => recording(dice, `st-${at}`)).flat();
  const outcomes = Array.from({ length: count }, (_, at) =>
    [0, 1].slice(0, 1 + (at % 2)).map((round) => {
      const about = { effectKey: `ef-${at}`, reactor: 'webhooks', kind: 'webhook-delivery', lane: 'wh-1', attempts: dice.nextInteger(1, 8), round };
      return dice.pick(ended)(about);
    }),
  ).flat();
  // An edge that was restarted did one twice.
  const warmed = ['wm-1', 'wm-1', 'wm-2', 'wm-3'].map((warmId) => {
    const counts = {
      urls: 9,
      present: dice.nextInteger(0, 3),
      fetched: dice.nextInteger(0, 3),
      failed: dice.nextInteger(0, 3),
      bytes: dice.nextInteger(0, 999),
    };
    const failures = Array.from({ length: counts.failed }, (_, at) => ({ url: `/${at}`, status: dice.pick([null, 404, 503] as const), reason: 'history' }));
    return warmFinished.draft({ warmId, edgeId: 'edge-1', region: 'eu', ...counts, failures, finishedAtMs: 1_790_000_000_000 + dice.nextInteger(0, 9) });
  });
  const models = [null, 'zn-1', 'zn-1', null, 'zn-2'].map((zone, at) => {
    const [precision, coverage] = [dice.next(), dice.next()];
    const about = { number: at + 1, cid: at === 2 ? null : `bafkrei${'a'.repeat(52)}`, sizeBytes: dice.nextInteger(1, 9999), trainedAtMs: 1_790_000_000_000 };
    return prefetchModelPublished.draft({ zone, ...about, transitions: 7, learnedFrom: 70, triedOn: 7, precision, coverage });
  });
  return [...outcomes, ...recordings, ...warmed, ...models];
}
