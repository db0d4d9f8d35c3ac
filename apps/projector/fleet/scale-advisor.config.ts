import { scaleRules, type ScaleRules } from '#domain/edge';
import { invalidSetting, readEdgeKeysRequired, readInteger, type Environment } from '#runtime';

export interface ScaleSettings {
  readonly rules: ScaleRules;
  readonly keysRequired: boolean;
}

/** @throws OperatingError `SETTING_INVALID` naming the variable. */
export function readScaleSettings(env: Environment): ScaleSettings {
  const min = readInteger(env, 'EDGE_SCALE_MIN', scaleRules.min, 0, 10_000);
  const max = readInteger(env, 'EDGE_SCALE_MAX', scaleRules.max, 1, 10_000);
  if (max < min) throw invalidSetting('EDGE_SCALE_MAX', 'must not be less than EDGE_SCALE_MIN');
  const target = readInteger(env, 'EDGE_SCALE_TARGET_PERCENT', scaleRules.target * 100, 5, 95) / 100;
  return { rules: { ...scaleRules, min, max, target }, keysRequired: readEdgeKeysRequired(env) };
}
