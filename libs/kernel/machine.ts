/** Milliseconds since the Unix epoch, an integer. */
export type Millis = number;

/**
 * A protocol without a network: input in, effects out, no clock, no dice, no I/O.
 * The driver in `libs/runtime` performs effects on sockets; the one in `libs/sim` on a seeded simulation.
 */
export interface Machine<Input, Effect> {
  /** Total, synchronous, bounded. */
  step(input: Input, now: Millis): readonly Effect[];
  /** When `step` wants a tick even if nothing arrives; undefined for never. The driver keeps one timer. */
  nextDeadline(): Millis | undefined;
}
