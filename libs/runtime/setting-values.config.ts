import { OperatingError } from '#kernel';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that cannot be used: its name, its value where that is no secret, and what is allowed. */
export class InvalidSetting extends OperatingError {
  readonly setting: string;
  /** What to read the rest with: the variables at fault as if nobody had set them, one that is missing as if it were there. */
  readonly instead: Environment;

  constructor(setting: string, why: string, instead: Environment = { [setting]: undefined }) {
    super(`The setting ${setting} ${why}.`, { code: 'SETTING_INVALID', retryable: false });
    this.setting = setting;
    this.instead = instead;
  }
}

/** @param concerned the variables at fault, where they are not the one that is named */
export function invalidSetting(name: string, why: string, concerned?: readonly string[]): InvalidSetting {
  return new InvalidSetting(name, why, concerned && Object.fromEntries(concerned.map((one) => [one, undefined])));
}

/** A setting that others need. @param example any value that could be used, with which the others can be judged */
export function missingSetting(name: string, why: string, example: string): InvalidSetting {
  return new InvalidSetting(name, why, { [name]: example });
}

/** A variable is at fault at most twice: as it is, and missing then. */
const roundsMax = 1000;

/**
 * Everything that a reader of settings has to say against an environment: it is asked again without what it refused, until
 * it refuses nothing, or what nothing mends.
 */
export function settingProblems(read: (env: Environment) => unknown, env: Environment): readonly InvalidSetting[] {
  const problems: InvalidSetting[] = [];
  let rest = env;
  for (let round = 0; round < roundsMax; round++) {
    try {
      read(rest);
      return problems;
    } catch (error) {
      if (!(error instanceof InvalidSetting)) throw error;
      if (!problems.some(({ setting }) => setting === error.setting)) problems.push(error);
      else if (Object.entries(error.instead).every(([name, value]) => rest[name] === value)) return problems;
      rest = { ...rest, ...error.instead };
    }
  }
  return problems;
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

const secretPattern = /^[\x21-\x7e]{16,256}$/;

/** Several, separated by spaces. No error shows any of it. */
function readSecrets(env: Environment, name: string): readonly string[] {
  const secrets = (env[name] ?? '').split(' ').filter((secret) => secret !== '');
  const wrong = secrets.findIndex((secret) => !secretPattern.test(secret));
  if (wrong < 0) return secrets;
  const which = secrets.length === 1 ? '' : `; number ${wrong + 1} of ${secrets.length} has not, and a secret that holds spaces cannot be among them`;
  throw invalidSetting(name, `must be secrets of 16 to 256 printable characters of ASCII, separated by spaces${which}`);
}

/** One. No error shows any of it. */
function readSecret(env: Environment, name: string): string | undefined {
  const secret = (env[name] ?? '').trim();
  if (secret === '') return undefined;
  if (/\s/.test(secret)) throw invalidSetting(name, 'must not hold spaces: they separate secrets where there are several');
  if (!secretPattern.test(secret)) throw invalidSetting(name, 'must have 16 to 256 characters, printable ones of ASCII');
  return secret;
}

export interface RegionSecretSettings {
  /** `REGION_SECRET`, which regions share; undefined when it is not set. */
  readonly current: string | undefined;
  /** `REGION_SECRETS_FORMER`: those that they had before. */
  readonly former: readonly string[];
}

/** @throws OperatingError `SETTING_INVALID` */
export function readRegionSecrets(env: Environment): RegionSecretSettings {
  const current = readSecret(env, 'REGION_SECRET');
  return { current, former: readSecrets(env, 'REGION_SECRETS_FORMER').filter((secret) => secret !== current) };
}

/** `EDGE_SECRET`, which edges and gateways share; undefined when it is not set. @throws OperatingError `SETTING_INVALID` */
export function readEdgeSecret(env: Environment): string | undefined {
  return readSecret(env, 'EDGE_SECRET');
}

/** Whether an edge that has shown no key is none of ours: of gateways, projectors and steering. @throws OperatingError `SETTING_INVALID` */
export function readEdgeKeysRequired(env: Environment): boolean {
  return readFlag(env, 'EDGE_KEYS_REQUIRED', false);
}
