import { sharedTierDefaults } from './shared-tier/shared-tier.config.ts';

/** Limits of one edge that no operator has had a reason to change. Durations in ms, sizes in bytes. */
export const edgeLimits = {
  /** Objects in memory at most: each costs about a kilobyte whatever its size. */
  objectsMax: 1_000_000,
  variantsMax: 16,
  /** Share of the memory that one object may take: one film must not wash everything else out. */
  objectShareMax: 1 / 8,
  objectBytesMax: 256 * 1024 * 1024,
  /** Larger ones are kept in slices, unless a zone says otherwise; those are as large as what edges share (ADR 58). */
  slices: { fromBytes: 32 * 1024 * 1024, sliceBytes: sharedTierDefaults.objectBytesMax },
  streamBytesMax: 1024 * 1024,
  wholeBytesMax: 64 * 1024,
  wholeWaitMs: 20,
  claimTimeoutMs: 1000,
  requestBytesMax: 1024 * 1024 * 1024,
  /** Of each kind: the oldest give way, and what was not judged since counts as purged. */
  /** What a client must send at least while somebody waits for it. */
  requestPace: { silenceMs: 30_000, graceMs: 30_000, rateMin: 500 },
  purgesRemembered: 250_000,
  purgePatternsRemembered: 1000,
  /** Without news from the log for so long, purges count as unknown … */
  purgeDoubtAfterMs: 2000,
  /** … and what the origin said is believed for so long and no longer. */
  doubtFreshMs: 2000,
  purgeWaitMs: 500,
  zoneWaitMs: 2000,
  reportEveryMs: 2000,
  /** Of one client address, unless a setting says otherwise. */
  clientConnectionsMax: 4096,
  clientRequestsMax: 4096,
  idleTimeoutS: 60,
  drainMs: 5000,
  origin: { headTimeoutMs: 10_000, waitTimeoutMs: 45_000, silenceTimeoutMs: 15_000, downMs: 1000, refusedMs: 50, headBytesMax: 64 * 1024 },
  /** How often it is looked for a gateway that is gone, and what it is asked for: what edges never fetch, and costs it nothing. */
  originReturn: { againMs: 250, probeTarget: '/live/time' },
  /** Of several gateways: when one is left in peace and for how long, the share of requests that may be asked of another, and how it is looked after. */
  gateways: {
    ...{ failures: 3, holdMs: 1000, budget: 1 },
    health: { path: '/live/time', intervalSeconds: 1, timeoutSeconds: 3, unhealthyAfter: 1, healthyAfter: 1 },
  },
  connectTimeoutMs: 3000,
} as const;

/** Never cached: the platform's API, event streams included. */
export const passPrefixes: readonly string[] = ['/api/'];
