import { contexts, type Context } from '#events';
import { invalidSetting, type Environment } from './setting-values.config.ts';

/** How long what the log holds stays where. */
export interface RetentionSettings {
  /** By context: what is older is sealed and removed from the engine, ms; undefined: never. */
  readonly hotMs: Readonly<Partial<Record<Context, number>>>;
  /** By context: what is older is removed from the blob store for good, ms; undefined: never. */
  readonly keptMs: Readonly<Partial<Record<Context, number>>>;
}

const dayMs = 86_400_000;
const daysMax = 36_500;

/**
 * `LOG_HOT_DAYS` and `LOG_SEALED_DAYS`: days for all contexts, `context=days` for one, separated by commas, such as
 * `30,playback=7,access=never`. Fractions of days are allowed.
 * @throws OperatingError `SETTING_INVALID` naming the variable
 */
export function readRetentionSettings(env: Environment): RetentionSettings {
  const [hotMs, keptMs] = [readAges(env, 'LOG_HOT_DAYS'), readAges(env, 'LOG_SEALED_DAYS')];
  for (const context of contexts) {
    const [hot, kept] = [hotMs[context], keptMs[context]];
    if (kept === undefined) continue;
    if (hot === undefined) throw invalidSetting('LOG_SEALED_DAYS', `removes ${context} from the sealed segments, but LOG_HOT_DAYS does not seal it`);
    if (kept < hot) throw invalidSetting('LOG_SEALED_DAYS', `removes ${context} before LOG_HOT_DAYS has sealed it`);
  }
  return { hotMs, keptMs };
}

function readAges(env: Environment, name: string): Partial<Record<Context, number>> {
  const ages: Partial<Record<Context, number>> = {};
  const parts = (env[name] ?? '').split(',').map((part) => part.trim());
  // One for all first, whatever the order.
  for (const part of parts.filter((text) => text !== '' && !text.includes('='))) for (const context of contexts) setAge(ages, context, part, name);
  for (const part of parts.filter((text) => text.includes('='))) {
    const [context, days] = part.split('=') as [string, string];
    if (!(contexts as readonly string[]).includes(context))
      throw invalidSetting(name, `names ${JSON.stringify(context)}, but contexts are ${contexts.join(', ')}`);
    setAge(ages, context as Context, days, name);
  }
  return ages;
}

function setAge(ages: Partial<Record<Context, number>>, context: Context, text: string, name: string): void {
  if (text === 'never') {
    delete ages[context];
    return;
  }
  const days = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || days <= 0 || days > daysMax)
    throw invalidSetting(name, `must be days up to ${daysMax}, or "never", but holds ${JSON.stringify(text)}`);
  ages[context] = Math.round(days * dayMs);
}
