import { poisonLimits, readInteger, type Environment, type PoisonLimits } from '#runtime';

/** When an event counts as poisoned, and when a projection counts as broken. */
export function readPoisonLimits(env: Environment): PoisonLimits {
  return {
    ...poisonLimits,
    attemptsMax: readInteger(env, 'PARK_AFTER_ATTEMPTS', poisonLimits.attemptsMax, 1, 100),
    keysMax: readInteger(env, 'PARKED_KEYS_MAX', poisonLimits.keysMax, 1, 1_000_000),
    heldMax: readInteger(env, 'PARKED_HELD_MAX', poisonLimits.heldMax, 1, 1_000_000_000),
  };
}
