import { extensionOf } from './target.codec.ts';

/** How long things of a kind live at the edge, ms. */
export interface TtlRule {
  readonly name: string;
  /** Media types: exact, or a whole type as `video/*`. */
  readonly mediaTypes: readonly string[];
  /** Extensions of the path, for responses that say no media type, and for errors. */
  readonly extensions: readonly string[];
  /** Where the origin gives no lifetime; 0: then it is not stored. */
  readonly defaultMs: number;
  /** Where the origin gives none but says when it last changed: a tenth of that time, at most this. */
  readonly heuristicMostMs: number;
  /** No lifetime that the origin gives is longer. */
  readonly mostMs: number;
  /** How long a 404 or 410 is remembered where the origin does not say. */
  readonly negativeMs: number;
}

export interface TtlSettings {
  /** The first that fits counts. */
  readonly rules: readonly TtlRule[];
  /** For everything that no rule fits. */
  readonly otherwise: TtlRule;
  /** After a failure that a stale response covers, the origin is left in peace for so long. */
  readonly errorMs: number;
  /** Serving stale on errors where neither the origin nor must-revalidate says anything about it. */
  readonly staleIfErrorMs: number;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/**
 * The table for a media edge. Manifests change with every segment, and a viewer who comes before the first one must not
 * wait a minute for it; segments and built assets are named by their content.
 */
export const mediaTtlSettings: TtlSettings = {
  rules: [
    {
      name: 'manifest',
      mediaTypes: ['application/vnd.apple.mpegurl', 'application/x-mpegurl', 'audio/mpegurl', 'audio/x-mpegurl', 'application/dash+xml'],
      extensions: ['m3u8', 'mpd'],
      defaultMs: second,
      heuristicMostMs: second,
      mostMs: hour,
      negativeMs: second,
    },
    {
      name: 'media',
      mediaTypes: ['video/*', 'audio/*', 'text/vtt', 'image/*', 'font/*'],
      extensions: ['m4s', 'mp4', 'm4a', 'm4v', 'cmfv', 'cmfa', 'ts', 'aac', 'webm', 'vtt', 'jpg', 'jpeg', 'png', 'webp', 'avif', 'svg', 'woff2'],
      defaultMs: hour,
      heuristicMostMs: day,
      mostMs: year,
      negativeMs: minute,
    },
    {
      name: 'asset',
      mediaTypes: ['text/css', 'text/javascript', 'application/javascript', 'application/wasm'],
      extensions: ['css', 'js', 'mjs', 'wasm'],
      defaultMs: hour,
      heuristicMostMs: day,
      mostMs: year,
      negativeMs: minute,
    },
    { name: 'page', mediaTypes: ['text/html'], extensions: ['html'], defaultMs: 10 * second, heuristicMostMs: 10 * second, mostMs: day, negativeMs: minute },
    { name: 'event stream', mediaTypes: ['text/event-stream'], extensions: [], defaultMs: 0, heuristicMostMs: 0, mostMs: 0, negativeMs: minute },
  ],
  otherwise: { name: 'other', mediaTypes: [], extensions: [], defaultMs: 0, heuristicMostMs: hour, mostMs: year, negativeMs: minute },
  errorMs: second,
  staleIfErrorMs: 30 * second,
};

function fits(rule: TtlRule, mediaType: string): boolean {
  const whole = `${mediaType.slice(0, mediaType.indexOf('/') + 1)}*`;
  return rule.mediaTypes.includes(mediaType) || rule.mediaTypes.includes(whole);
}

/** The rule for a response of a media type; without a type the extension of its target decides. */
export function ttlRuleFor(settings: TtlSettings, contentType: string | undefined, target: string): TtlRule {
  if (contentType !== undefined) {
    const mediaType = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
    return settings.rules.find((rule) => fits(rule, mediaType)) ?? settings.otherwise;
  }
  const extension = extensionOf(target);
  return settings.rules.find((rule) => rule.extensions.includes(extension)) ?? settings.otherwise;
}
