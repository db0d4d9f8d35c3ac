import { readInteger, type Environment } from '#runtime';

export interface SandboxSettings {
  /** Sandboxes that there may be at once. */
  readonly sandboxesMax: number;
  /** How long one stands unless its creator says otherwise, ms. */
  readonly keepMs: number;
}

const dayMs = 86_400_000;

export function readSandboxSettings(env: Environment): SandboxSettings {
  return {
    sandboxesMax: readInteger(env, 'SANDBOXES_MAX', 8, 0, 1000),
    keepMs: readInteger(env, 'SANDBOX_DAYS', 7, 1, 365) * dayMs,
  };
}
