import type { Millis } from '#kernel';

/** One key of a stream, as its head keeps it. */
export interface IssuedKey {
  /** SHA-256 of the secret part, hex. */
  readonly hash: string;
  /** When it stops working; 0 for never. */
  readonly untilMs: Millis;
  readonly singleUse: boolean;
  readonly used: boolean;
}

/** Keys that a stream may have that work: no more are issued beside them. */
export const issuedKeysMax = 8;

export type KeyJudgement = 'good' | 'unknown' | 'expired' | 'used';

/** Equal without telling by its duration how far the two agree. */
function sameHash(left: string, right: string): boolean {
  let different = left.length ^ right.length;
  for (let at = 0; at < left.length; at++) different |= left.charCodeAt(at) ^ right.charCodeAt(at);
  return different === 0;
}

export function findKey(keys: readonly IssuedKey[], hash: string): IssuedKey | undefined {
  return keys.find((key) => sameHash(hash, key.hash));
}

export function judgeKey(key: IssuedKey | undefined, now: Millis): KeyJudgement {
  if (key === undefined) return 'unknown';
  if (key.used) return 'used';
  return key.untilMs !== 0 && now >= key.untilMs ? 'expired' : 'good';
}

/** @param previousUntilMs when the keys before stop working; 0 leaves them as they are */
export function withKey(keys: readonly IssuedKey[], key: IssuedKey, previousUntilMs: Millis): readonly IssuedKey[] {
  const sooner = (untilMs: Millis): Millis => (untilMs === 0 ? previousUntilMs : Math.min(untilMs, previousUntilMs));
  const before = previousUntilMs === 0 ? keys : keys.map((one) => ({ ...one, untilMs: sooner(one.untilMs) }));
  return [...(before.length < issuedKeysMax ? before : without(before)), key];
}

/** Forgets what works no more, or for the shortest time: a used one, else the one that ends first, else the oldest. */
function without(keys: readonly IssuedKey[]): readonly IssuedKey[] {
  const endsAt = ({ used, untilMs }: IssuedKey): number => (used ? 0 : untilMs === 0 ? Number.POSITIVE_INFINITY : untilMs);
  const first = keys.reduce((least, key, at) => (endsAt(key) < endsAt(keys[least] as IssuedKey) ? at : least), 0);
  return keys.filter((_, at) => at !== first);
}

/** Whether another key would end one that nobody has ended. @param previousUntilMs as of {@link withKey} */
export function isFull(keys: readonly IssuedKey[], now: Millis, previousUntilMs: Millis): boolean {
  return previousUntilMs === 0 && keys.filter((key) => judgeKey(key, now) === 'good').length >= issuedKeysMax;
}

export function withUsed(keys: readonly IssuedKey[], hash: string): readonly IssuedKey[] {
  return keys.map((key) => (key.hash === hash ? { ...key, used: true } : key));
}
