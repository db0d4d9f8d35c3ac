import { OperatingError } from '#kernel';

interface ErrorClass {
  /** Matches an SQLSTATE (PostgreSQL manual, appendix A) or an operating system's error code. */
  readonly code: RegExp;
  readonly as: string;
  readonly retryable: boolean;
}

const errorClasses: readonly ErrorClass[] = [
  { code: /^(08|57P0[1-5]|53300|ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_)/, as: 'DATABASE_UNAVAILABLE', retryable: true },
  { code: /^(40|55P03|55006)/, as: 'DATABASE_CONTENDED', retryable: true },
  { code: /^57014/, as: 'DATABASE_TIMEOUT', retryable: true },
  { code: /^53/, as: 'DATABASE_FULL', retryable: true },
  { code: /^(28|3D)/, as: 'DATABASE_REFUSED', retryable: false },
  { code: /^(22|23|54000)/, as: 'DATABASE_VALUE_INVALID', retryable: false },
  { code: /^(XX|58)/, as: 'DATABASE_DAMAGED', retryable: false },
];

/** What `pg` says about a connection that it lost, in errors without a code. */
const lostConnection = /Connection terminated|connection error|timeout exceeded when trying to connect|not queryable|Client was closed|Query read timeout/i;

/** The failure of a statement as an `OperatingError`; ours pass as they are. */
export function databaseError(error: unknown): OperatingError {
  if (error instanceof OperatingError) return error;
  const { code = '', message } = error as { code?: string; message?: string };
  const found = errorClasses.find((candidate) => candidate.code.test(code));
  if (found !== undefined) return new OperatingError(`The database failed: ${message}.`, { code: found.as, retryable: found.retryable, cause: error });
  if (lostConnection.test(message ?? ''))
    return new OperatingError(`The database cannot be reached: ${message}.`, { code: 'DATABASE_UNAVAILABLE', retryable: true, cause: error });
  return new OperatingError(`The database failed: ${message ?? String(error)}.`, { code: 'DATABASE_FAILED', retryable: false, cause: error });
}

/** The SQLSTATE behind an error, or an empty string. */
export function sqlState(error: unknown): string {
  const { code } = ((error as { cause?: unknown }).cause ?? error) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
