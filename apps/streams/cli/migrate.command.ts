import { migrateLog, type LogEngine } from '../migrate/migrate-log.command.ts';
import { readStreamsSettings } from '../streams.config.ts';

export interface MigrateOptions {
  readonly to: LogEngine;
  readonly json?: boolean;
}

const next: Readonly<Record<LogEngine, string>> = {
  kafka: 'The log is on Kafka now: start every app with this KAFKA_BROKERS from here on. The old file is as it was.',
  embedded: "The log is in this machine's file now: start without KAFKA_BROKERS from here on. The topics on Kafka are as they were.",
};

/** `streams migrate-log` */
export async function migrate({ to, json }: MigrateOptions): Promise<void> {
  const isTerminal = process.stdout.isTTY && json !== true;
  const write = (text: string): void => void process.stdout.write(text);
  const report = await migrateLog({
    settings: readStreamsSettings(),
    to,
    say: (line) => json !== true && write(`${isTerminal ? '\r\u001b[K' : ''}${line}\n`),
    showProgress: (line) => isTerminal && write(`\r${line}`),
  });
  write(json === true ? `${JSON.stringify(report, null, 2)}\n` : `${next[to]}\n`);
}
