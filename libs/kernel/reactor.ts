/**
 * Something to be done outside because an event happened: data, never a call. Plain JSON, small: what is large is named and
 * read when it is done.
 */
export interface Intent {
  /** Which worker performs it, kebab-case. */
  readonly kind: string;
  /** Intents of one lane wait for each other, those of others do not: whatever may be slow by itself, such as a receiver. */
  readonly lane: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** An effect that is over is to be tried once more, under its old key. */
export interface Repetition {
  readonly repeats: string;
}

/** What was on the log, and when the log took it, ms since the Unix epoch. */
export interface Occurrence<Event> {
  readonly event: Event;
  readonly recordedAtMs: number;
}

/**
 * What follows from events: the second of three kinds of handler. A projection makes rows of an event and may run as often
 * as somebody likes; a reactor makes intents and runs over each event once; an effect worker performs an intent and says
 * how it ended by an event. Replays run projections alone.
 */
export interface Reactor<Event, Known = unknown> {
  /** snake_case, unique. */
  readonly name: string;
  /** Raised whenever `react` changes its answers: the greater version goes on where the smaller one stood, and shuts it out. */
  readonly version: number;
  /** Topics read. */
  readonly contexts: readonly string[];
  /** `copies`: what other regions wrote, in place of what this one did. */
  readonly of?: 'copies';
  /** Event types that `react` is asked about. */
  readonly handles: readonly string[];
  /** Pure. `known` is what was true when the event was read, such as who wants to hear of it. */
  react(occurrence: Occurrence<Event>, known: Known): ReadonlyArray<Intent | Repetition>;
}
