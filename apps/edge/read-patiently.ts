import { hasCode, OperatingError } from '#kernel';
import { backOffMs, pause, type Logger } from '#runtime';

export interface PatientReading {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Said at the first failure and at each tenth after it. */
  readonly complaint: string;
}

/**
 * Reads the log again and again until it works, the signal aborts or the log is closed.
 * @throws what is not a failure of the world: a fault of our own, with which the process ends, and its successor catches up
 */
export async function readPatiently({ signal, logger, complaint }: PatientReading, read: () => Promise<void>): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await read();
    } catch (err) {
      if (signal.aborted || hasCode(err, 'LOG_CLOSED')) return;
      if (!(err instanceof OperatingError)) throw err;
      if (failures % 10 === 0) logger.warn({ err }, complaint);
      await pause(backOffMs(failures, 50, 2000), signal);
    }
  }
}
