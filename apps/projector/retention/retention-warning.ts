import { contexts } from '#events';
import type { ProjectorSettings } from '../projector.config.ts';

/** Brokers that forget by themselves what is not sealed yet: what they take first is lost. Undefined when there is nothing to say. */
export function retentionWarning({ kafka, retention }: Pick<ProjectorSettings, 'kafka' | 'retention'>): string | undefined {
  if (kafka === undefined || kafka.retentionMs < 0) return undefined;
  const lost = contexts.filter((context) => (retention.hotMs[context] ?? 0) >= kafka.retentionMs);
  if (lost.length === 0) return undefined;
  return `KAFKA_RETENTION_MS lets the brokers remove events of ${lost.join(', ')} before LOG_HOT_DAYS has them sealed: they would be lost. Set it to -1, or well above LOG_HOT_DAYS.`;
}
