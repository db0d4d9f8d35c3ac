import type { alertKinds } from '#events';
import type { Millis } from '#kernel';

export type AlertKind = (typeof alertKinds)[number];

/** What is known of a stream at one moment; undefined where nothing was measured. */
export interface StreamFigures {
  readonly videoBitrate: number;
  readonly hasPicture: boolean;
  readonly keyFrameIntervalMs: Millis | undefined;
  readonly reordersFrames: boolean;
  readonly segmentDurationMs: Millis;
  readonly behindMs: Millis;
  /** For how long, up to the newest picture or sound that was looked at. */
  readonly blackMs: Millis | undefined;
  readonly frozenMs: Millis | undefined;
  readonly silentMs: Millis | undefined;
  /** When that was looked at; undefined for now. */
  readonly lookedAtMs?: Millis | undefined;
}

export type AlertChange =
  | { readonly kind: 'raised'; readonly alert: AlertKind; readonly sinceMs: Millis; readonly detail: string }
  | { readonly kind: 'cleared'; readonly alert: AlertKind; readonly lastedMs: Millis };

interface Rule {
  readonly alert: AlertKind;
  /** How long something must be wrong before it is told, and right before that is. */
  readonly raiseAfterMs: Millis;
  readonly clearAfterMs: Millis;
  /** What is wrong, in a sentence; undefined for nothing. */
  readonly wrong: (figures: StreamFigures, usualBitrate: number) => string | undefined;
  /** For how long it has been so when it is seen for the first time; not at all where it is not said. */
  readonly lasted?: (figures: StreamFigures) => Millis | undefined;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const kilobits = (bits: number): string => `${Math.round(bits / 1000)} kbit/s`;

/** A stretch that lasts this long by itself is wrong at once: it was measured as a stretch. */
const stretchMsMin: Millis = 8000;
/** Below this share of what is usual a bitrate has collapsed. */
const collapseShare = 0.35;
/** A source that never had more is not one that lost it. */
const usualBitrateMin = 150_000;

function stretchRule(alert: AlertKind, of: (figures: StreamFigures) => Millis | undefined, say: string): Rule {
  const wrong = (figures: StreamFigures): string | undefined => {
    const ms = of(figures);
    return ms !== undefined && ms >= stretchMsMin ? `${say} for ${seconds(ms)}.` : undefined;
  };
  return { alert, raiseAfterMs: 0, clearAfterMs: 4000, wrong, lasted: of };
}

const rules: readonly Rule[] = [
  {
    alert: 'long-gop',
    raiseAfterMs: 15_000,
    clearAfterMs: 20_000,
    wrong: ({ keyFrameIntervalMs, segmentDurationMs }) =>
      keyFrameIntervalMs !== undefined && keyFrameIntervalMs > Math.max(4500, segmentDurationMs * 2.2)
        ? `A key frame comes every ${seconds(keyFrameIntervalMs)}: viewers start and switch slowly. Set the encoder to ${seconds(segmentDurationMs)}.`
        : undefined,
  },
  {
    alert: 'reordered-frames',
    raiseAfterMs: 15_000,
    clearAfterMs: 30_000,
    wrong: ({ reordersFrames }) => (reordersFrames ? 'The encoder sends B-frames, which add some frames of delay. Turn them off for low latency.' : undefined),
  },
  {
    alert: 'bitrate-collapse',
    raiseAfterMs: 8000,
    clearAfterMs: 15_000,
    wrong: ({ videoBitrate, hasPicture }, usual) =>
      hasPicture && usual >= usualBitrateMin && videoBitrate < usual * collapseShare
        ? `The picture comes at ${kilobits(videoBitrate)}; ${kilobits(usual)} are usual for this stream.`
        : undefined,
  },
  stretchRule('silence', ({ silentMs }) => silentMs, 'There has been no sound'),
  stretchRule('black', ({ blackMs }) => blackMs, 'The picture has been black'),
  stretchRule('frozen', ({ frozenMs }) => frozenMs, 'The picture has not moved'),
  {
    alert: 'behind',
    raiseAfterMs: 8000,
    clearAfterMs: 15_000,
    wrong: ({ behindMs, segmentDurationMs }) =>
      behindMs > segmentDurationMs * 3 + 3000
        ? `What is stored is ${seconds(behindMs)} behind what arrives: the machine does not keep up, or the encoder keeps ending (the stream's events say so).`
        : undefined,
  },
];

interface Seen {
  readonly nowMs: Millis;
  /** When what is wrong began, as far as was measured. */
  readonly begunMs: Millis;
}

interface Watched {
  /** Since when it has been wrong, or right again; undefined while nothing changes. */
  wrongSinceMs: Millis | undefined;
  rightSinceMs: Millis | undefined;
  /** Set while the alert is open. */
  openSinceMs: Millis | undefined;
}

/** How fast the usual bitrate follows: a minute of a lower one is the new usual. */
const usualHalfLifeMs: Millis = 60_000;

/**
 * Turns figures into alerts with a beginning and an end. What is wrong for a moment alone is not told, and what is right for a
 * moment alone does not end it, so that an alert never flaps. Pure: time is handed in.
 */
export class StreamAlerts {
  readonly #watched = new Map<AlertKind, Watched>();
  #usualBitrate = 0;
  #lookedAtMs: Millis | undefined;

  /** @param open alerts that a predecessor had raised, and since when: they are gone on with */
  constructor(open: ReadonlyMap<AlertKind, Millis> = new Map()) {
    for (const [alert, openSinceMs] of open) this.#watched.set(alert, { wrongSinceMs: undefined, rightSinceMs: undefined, openSinceMs });
  }

  get open(): readonly AlertKind[] {
    return [...this.#watched].filter(([, { openSinceMs }]) => openSinceMs !== undefined).map(([alert]) => alert);
  }

  look(figures: StreamFigures, nowMs: Millis): readonly AlertChange[] {
    const usual = this.#usual(figures, nowMs);
    return rules.flatMap((rule) => {
      const begunMs = (figures.lookedAtMs ?? nowMs) - (rule.lasted?.(figures) ?? 0);
      return this.#judge(rule, rule.wrong(figures, usual), { nowMs, begunMs: rule.lasted === undefined ? nowMs : begunMs });
    });
  }

  /** Everything that is open ends with the session. */
  close(nowMs: Millis): readonly AlertChange[] {
    const changes = [...this.#watched].flatMap(([alert, { openSinceMs }]): AlertChange[] =>
      openSinceMs === undefined ? [] : [{ kind: 'cleared', alert, lastedMs: Math.max(0, nowMs - openSinceMs) }],
    );
    this.#watched.clear();
    return changes;
  }

  #judge({ alert, raiseAfterMs, clearAfterMs }: Rule, detail: string | undefined, { nowMs, begunMs }: Seen): readonly AlertChange[] {
    const one = this.#watched.get(alert) ?? { wrongSinceMs: undefined, rightSinceMs: undefined, openSinceMs: undefined };
    this.#watched.set(alert, one);
    if (detail === undefined) {
      one.wrongSinceMs = undefined;
      one.rightSinceMs ??= nowMs;
      if (one.openSinceMs === undefined || nowMs - one.rightSinceMs < clearAfterMs) return [];
      const lastedMs = Math.max(0, one.rightSinceMs - one.openSinceMs);
      one.openSinceMs = undefined;
      return [{ kind: 'cleared', alert, lastedMs }];
    }
    one.rightSinceMs = undefined;
    one.wrongSinceMs ??= begunMs;
    if (one.openSinceMs !== undefined || nowMs - one.wrongSinceMs < raiseAfterMs) return [];
    one.openSinceMs = one.wrongSinceMs;
    return [{ kind: 'raised', alert, sinceMs: one.wrongSinceMs, detail }];
  }

  /** What the stream usually has: it rises at once, and falls slowly. */
  #usual({ videoBitrate }: StreamFigures, nowMs: Millis): number {
    const passedMs = this.#lookedAtMs === undefined ? 0 : Math.max(0, nowMs - this.#lookedAtMs);
    this.#lookedAtMs = nowMs;
    const kept = 0.5 ** (passedMs / usualHalfLifeMs);
    const before = this.#usualBitrate;
    this.#usualBitrate = videoBitrate >= before ? before + (videoBitrate - before) * (before === 0 ? 1 : 0.5) : videoBitrate + (before - videoBitrate) * kept;
    return before;
  }
}
