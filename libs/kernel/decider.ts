/**
 * A business rule as three pure functions (Chassaing's decider): what may happen, what it changes, where it starts.
 * `decide` returns the events that the command causes, or refuses by returning a {@link Refusal}.
 */
export interface Decider<State, Command, Event> {
  readonly initialState: State;
  decide(command: Command, state: State): Decision<Event>;
  evolve(state: State, event: Event): State;
}

/** A business refusal: a value, not an exception. `events` are facts worth keeping about the refusal itself. */
export interface Refusal<Event> {
  readonly refused: true;
  /** Stable reason, kebab-case. */
  readonly code: string;
  /** One sentence for a person: what is wrong and what to do. */
  readonly message: string;
  readonly events: readonly Event[];
}

export interface Acceptance<Event> {
  readonly refused: false;
  readonly events: readonly Event[];
}

export type Decision<Event> = Acceptance<Event> | Refusal<Event>;

export function accept<Event>(...events: Event[]): Acceptance<Event> {
  return { refused: false, events };
}

export function refuse<Event = never>(code: string, message: string, ...events: Event[]): Refusal<Event> {
  return { refused: true, code, message, events };
}
