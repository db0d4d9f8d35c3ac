/** Thrown when an invariant of our own code is broken: never caught to carry on; the process ends and replay recovers. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** States an invariant. On in production: a wrong byte written is worse than a crash. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Closes an exhaustive switch: the compiler refuses a forgotten case, the run time an impossible one. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${JSON.stringify(value)}`);
}
