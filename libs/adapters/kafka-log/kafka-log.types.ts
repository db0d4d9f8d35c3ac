import type { CompressionAlgorithmValue } from '@platformatic/kafka';

/** How clients prove who they are. */
export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
  readonly username?: string | undefined;
  /** For OAUTHBEARER the token. */
  readonly password?: string | undefined;
}

/** PEM texts; without any the system's authorities are trusted. */
export interface KafkaTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface KafkaLogInit {
  /** `host:port`, some of the cluster's brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly sasl?: KafkaSasl | undefined;
  readonly tls?: KafkaTls | undefined;
  /** Copies of each partition; as many as there are brokers, at most 3, by default. */
  readonly replication?: number | undefined;
  /** Copies that must have a record before it is acknowledged; 2 of 3 by default, else 1. */
  readonly minInSync?: number | undefined;
  /** How long records are kept, ms; -1, for ever, by default. */
  readonly retentionMs?: number | undefined;
  /** Of batches; `gzip` by default, which every client reads: kafkajs has no codec for the others. */
  readonly compression?: CompressionAlgorithmValue | undefined;
  /** In front of every topic's name, so that installations can share a cluster. */
  readonly topicPrefix?: string | undefined;
  /** For which tenants others may write events straight to the brokers: ids, or `*` for all; `default` alone by default. */
  readonly directTenants?: readonly string[] | '*' | undefined;
  /** How long an append is tried, ms; 30,000 by default. */
  readonly appendTimeoutMs?: number | undefined;
  /** After which the broker gives up a transaction of a process that died in the middle, ms; 10,000 by default. */
  readonly transactionTimeoutMs?: number | undefined;
}
