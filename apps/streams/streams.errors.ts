/** A failure told in one sentence that says what to do; never with a stack trace. */
export class PlainFailure extends Error {
  override readonly name = 'PlainFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const exitCodes = {
  failed: 1,
  /** Wrong usage, or a machine that is not in the state that the command needs. */
  usage: 2,
  /** The platform does not answer. */
  unreachable: 3,
  /** No key, or one without the right. */
  forbidden: 4,
  /** Two things that were compared are not equal. */
  different: 5,
} as const;

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function errnoOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
