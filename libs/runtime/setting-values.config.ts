import { OperatingError } from '#kernel';

export type Environment = Readonly<Record<string, string | undefined>>;

export function invalidSetting(name: string, why: string): OperatingError {
  return new OperatingError(`The setting ${name} ${why}.`, { code: 'SETTING_INVALID', retryable: false });
}

/** A text that fits a pattern, or the default when the variable is not set. */
export function readText(env: Environment, name: string, fallback: string, pattern: RegExp): string {
  const text = env[name] || fallback;
  if (!pattern.test(text)) throw invalidSetting(name, `must match ${pattern.source}, but is ${JSON.stringify(text)}`);
  return text;
}

/** A whole number within bounds, or the default when the variable is not set. */
export function readInteger(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw invalidSetting(name, `must be a whole number from ${min} to ${max}, but is ${JSON.stringify(text)}`);
  return value;
}

/** A TCP port; 0 lets the system choose. */
export function readPort(env: Environment, name: string, fallback: number): number {
  return readInteger(env, name, fallback, 0, 65535);
}

export function readChoice<const T extends string>(env: Environment, name: string, choices: readonly T[], fallback: T): T {
  const text = env[name] || fallback;
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw invalidSetting(name, `must be one of ${choices.join(', ')}, but is ${JSON.stringify(text)}`);
  return choice;
}

/**
 * A URL of one of some schemes, or undefined when the variable is not set. It may hold a password, so no error shows it.
 * @param schemes without the colon
 */
export function readUrl(env: Environment, name: string, schemes: readonly string[]): string | undefined {
  const text = env[name];
  if (!text) return undefined;
  const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : undefined;
  if (scheme === undefined || !schemes.includes(scheme))
    throw invalidSetting(name, `must be a URL that begins with ${schemes.map((one) => `${one}://`).join(' or ')}`);
  return text;
}

/** A choice between yes (1, true) and no (0, false). */
export function readFlag(env: Environment, name: string, fallback: boolean): boolean {
  const choice = readChoice(env, name, ['1', 'true', '0', 'false'], fallback ? '1' : '0');
  return choice === '1' || choice === 'true';
}
