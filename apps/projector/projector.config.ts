import {
  readInteger,
  readLedgerSettings,
  readRegionPeers,
  readRetentionSettings,
  readSharedSettings,
  readText,
  type Environment,
  type LedgerSettings,
  type PoisonLimits,
  type RegionPeer,
  type RetentionSettings,
  type SharedSettings,
} from '#runtime';
import { readPoisonLimits } from './parked/parked.config.ts';
import { readRowKeeps } from './expiry/expiry.config.ts';
import { readScaleSettings, type ScaleSettings } from './fleet/scale-advisor.config.ts';
import { readPrefetchTrainerSettings, type PrefetchTrainerSettings } from './prefetch/prefetch-trainer.config.ts';
import { readEffectSettings, type EffectSettings } from './effects/effects.config.ts';
import { readReplaySettings, type ReplaySettings } from './replay/replay.config.ts';

export interface ProjectorSettings extends SharedSettings {
  /** Tells the projectors of one machine apart; stable, so that a restarted one takes over from itself at once. */
  readonly projectorId: string;
  readonly ledger: LedgerSettings;
  readonly replay: ReplaySettings;
  readonly poison: PoisonLimits;
  readonly retention: RetentionSettings;
  /** How long rows of expiring tables are kept, ms by table. */
  readonly rowKeeps: Readonly<Record<string, number>>;
  readonly regionPeers: readonly RegionPeer[];
  /** How long events stay in the event index, ms; 0 for ever. */
  readonly eventIndexKeepMs: number;
  readonly effects: EffectSettings;
  readonly scale: ScaleSettings;
  readonly prefetch: PrefetchTrainerSettings;
}

const dayMs = 86_400_000;

export function readProjectorSettings(env: Environment = process.env): ProjectorSettings {
  const shared = readSharedSettings(env);
  return {
    ...shared,
    projectorId: readText(env, 'PROJECTOR_ID', 'projector-1', /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
    ledger: readLedgerSettings(env),
    replay: readReplaySettings(env),
    poison: readPoisonLimits(env),
    retention: readRetentionSettings(env),
    rowKeeps: readRowKeeps(env),
    regionPeers: readRegionPeers(env, shared.node),
    eventIndexKeepMs: readInteger(env, 'EVENT_INDEX_KEEP_DAYS', 0, 0, 36_500) * dayMs,
    effects: readEffectSettings(env),
    scale: readScaleSettings(env),
    prefetch: readPrefetchTrainerSettings(env),
  };
}
