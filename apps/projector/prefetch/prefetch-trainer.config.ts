import { readInteger, type Environment } from '#runtime';

export interface PrefetchTrainerSettings {
  /** Between two looks at what was asked for, and at most so often a model of a zone is published, ms; 0 for never. */
  readonly everyMs: number;
  /** Of one model. */
  readonly bytesMax: number;
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readPrefetchTrainerSettings(env: Environment): PrefetchTrainerSettings {
  return {
    everyMs: readInteger(env, 'PREFETCH_MODEL_SECONDS', 600, 0, 86_400) * 1000,
    bytesMax: readInteger(env, 'PREFETCH_MODEL_KB', 64, 1, 1024) * 1024,
  };
}
