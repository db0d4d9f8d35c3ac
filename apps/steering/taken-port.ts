import { hasCode } from '#kernel';
import { invalidSetting } from '#runtime';

export interface ListeningAt {
  readonly variable: 'STEERING_PORT' | 'STEERING_DNS_PORT';
  readonly port: number;
  /** Where this process serves its metrics. */
  readonly metricsPort: number | undefined;
}

/**
 * Waits for what begins to listen.
 * @throws OperatingError `SETTING_INVALID` naming the variable, when somebody listens there
 */
export async function tellTaken(listening: Promise<void>, { metricsPort, port, variable }: ListeningAt): Promise<void> {
  try {
    await listening;
  } catch (err) {
    if (!hasCode(err, 'EADDRINUSE')) throw err;
    const holder = port === metricsPort ? ' by its own metrics: METRICS_PORT is the first of six ports when steering runs' : '';
    throw invalidSetting(variable, `is ${port}, which is taken${holder}: set it to a free port`);
  }
}
