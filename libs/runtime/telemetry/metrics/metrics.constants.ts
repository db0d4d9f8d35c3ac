import type { MetricSpec } from './meter.ts';

const every = ['gateway', 'projector', 'ingest', 'media', 'edge', 'steering'] as const;
/** Latencies from a fast log to a slow request, s. */
const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

function counter<const Label extends string = never>(name: string, help: string, apps: readonly string[], labels: readonly Label[] = []): MetricSpec<Label> {
  return { kind: 'counter', name: `streams_${name}_total`, help, labels, apps };
}

function gauge<const Label extends string = never>(name: string, help: string, apps: readonly string[], labels: readonly Label[] = []): MetricSpec<Label> {
  return { kind: 'gauge', name: `streams_${name}`, help, labels, apps };
}

function histogram<const Label extends string = never>(name: string, help: string, apps: readonly string[], labels: readonly Label[] = []): MetricSpec<Label> {
  return { kind: 'histogram', name: `streams_${name}_seconds`, help, labels, apps, buckets: seconds };
}

const database = ['gateway', 'projector', 'ingest', 'media', 'steering'];
const log = ['gateway', 'projector', 'media', 'edge'];

/** Every metric of the platform, besides those of the process itself (`process_*`, `nodejs_*`). */
export const metrics = {
  buildInfo: gauge('app_info', 'Always 1; the labels say who answers.', every, ['app', 'node']),
  restarts: counter('restarts', 'Times that the supervisor started this app again: it had ended, was frozen, or was late to be ready.', every, ['cause']),
  loopQuietSeconds: gauge('loop_quiet_seconds', 'Since a loop of the process last went round. /healthz fails when it is too long.', every, ['loop']),
  loopRefusedSeconds: gauge(
    'loop_refused_seconds',
    'Since what a loop does is refused in a way that trying again does not mend; 0: it is not. /healthz fails when it is too long.',
    every,
    ['loop'],
  ),

  httpRequests: counter('http_requests', 'HTTP requests answered.', ['gateway'], ['route', 'method', 'status']),
  httpSeconds: histogram('http_request', 'From the head of a request to the end of its answer; event streams are not in it.', ['gateway'], ['route', 'method']),
  grpcCalls: counter('grpc_calls', 'Calls by gRPC that have ended.', ['gateway'], ['method', 'code']),
  grpcSeconds: histogram('grpc_call', 'Unary gRPC calls, from their metadata to their status.', ['gateway'], ['method']),
  liveReaders: gauge('live_readers', 'Readers of live events that are connected.', ['gateway'], ['transport']),
  liveEvents: counter('live_events', 'Events sent to live readers.', ['gateway'], ['transport']),
  liveEnds: counter('live_readers_ended', 'Live readers that ended, by reason.', ['gateway'], ['transport', 'reason']),

  commands: counter('commands', 'Commands decided.', ['gateway', 'ingest'], ['context', 'command', 'outcome']),
  commandSeconds: histogram('command', 'From a command to its commit.', ['gateway', 'ingest'], ['context']),

  intakeEvents: counter(
    'intake_events',
    'Events handed to the intake: accepted, duplicate, or the code of their refusal.',
    ['gateway'],
    ['transport', 'outcome'],
  ),
  intakeSeconds: histogram('intake_call', 'One call of the intake, until its events are durable.', ['gateway'], ['transport']),
  intakeErrors: counter('intake_errors', 'Calls of the intake that ended without an outcome, by the code of the error.', ['gateway'], ['transport', 'code']),
  intakeWaiting: gauge('intake_waiting_events', 'Events taken in that are not durable yet.', ['gateway']),

  outboxRows: gauge('outbox_rows', 'Committed events that are not yet on the log.', ['projector']),
  outboxAgeSeconds: gauge('outbox_oldest_seconds', 'Age of the oldest of them.', ['projector']),

  appendSeconds: histogram('log_append', 'One append to the log, until it is durable.', log, ['topic']),
  appendRecords: counter('log_append_records', 'Records appended.', log, ['topic']),
  appendBytes: counter('log_append_bytes', 'Bytes of their keys and values, counted as characters.', log, ['topic']),
  appendErrors: counter('log_append_errors', 'Appends that failed, by the code of the error.', log, ['topic', 'code']),
  readRecords: counter('log_read_records', 'Records read from the log.', log, ['topic']),
  readErrors: counter('log_read_errors', 'Reads of the log that failed.', log, ['topic', 'code']),

  lagEvents: gauge(
    'consumer_lag_events',
    'Events of a partition group that a projection has not committed; of the groups that this process holds.',
    ['projector'],
    ['projection', 'topic', 'group'],
  ),
  lagSeconds: gauge('consumer_lag_seconds', 'Age of the oldest of them.', ['projector'], ['projection', 'topic', 'group']),
  mirrorLagEvents: gauge('mirror_lag_events', 'Events of another region that its mirror here has not looked at yet.', ['projector'], ['origin']),
  keptErasures: gauge(
    'erasures_kept',
    'Erasures of another region that cannot be done here yet, because its REGION_SECRET is another or our own keys are locked.',
    ['projector'],
    ['origin'],
  ),
  passedOverErasures: counter(
    'erasures_passed_over',
    'Erasures of another region that name nobody who is known here, and do not say by which secret they do: of versions before.',
    ['projector'],
    ['origin'],
  ),
  lockedSubjectKeys: gauge('subject_keys_locked', 'Keys of personal data that could not be unwrapped when erasures of other regions were looked for.', [
    'projector',
  ]),
  indexLagEvents: gauge('event_index_lag_events', 'Events of the log that the event index does not have yet.', ['projector']),
  indexStillSeconds: gauge('event_index_still_seconds', 'Since when it has not moved although there are some.', ['projector']),
  failingPartitions: gauge(
    'consumer_failing_partitions',
    'Partitions that stand at an event which cannot be projected, or wait after another failure.',
    ['projector'],
    ['projection'],
  ),
  parked: counter('consumer_parked_records', 'Records set aside because they can never be read, by the code of the reason.', ['projector'], ['topic', 'code']),
  parkedEvents: counter('parked_events', 'Events that a projection has set aside, by the code of the failure.', ['projector'], ['projection', 'code']),
  blockedKeys: gauge('blocked_keys', 'Keys whose events wait behind a parked one.', ['projector'], ['projection']),
  heldEvents: gauge('held_events', 'Events that wait behind parked ones.', ['projector'], ['projection']),
  blockedSeconds: gauge('blocked_oldest_seconds', 'Since when the oldest of the parked events blocks its key.', ['projector'], ['projection']),
  commits: counter('consumer_commits', 'Transactions of a projection.', ['projector'], ['projection', 'outcome']),
  commitSeconds: histogram('consumer_commit', 'One transaction of a projection.', ['projector'], ['projection']),
  committedEvents: counter('consumer_events', 'Events that a projection has committed.', ['projector'], ['projection']),

  effectsPending: gauge('effects_pending', 'Effects that are asked for and not over, by kind.', ['projector'], ['kind']),
  effectsOldest: gauge('effects_oldest_seconds', 'Age of the oldest of them.', ['projector'], ['kind']),
  effectTries: counter('effect_tries', 'Tries to perform an effect, by how they ended.', ['projector', 'media'], ['kind', 'outcome']),
  effectSeconds: histogram('effect', 'One try to perform an effect.', ['projector', 'media'], ['kind']),
  failingReactors: gauge('reactor_failing_partitions', 'Partitions that a reactor cannot get over, or waits at after a failure.', ['projector'], ['reactor']),

  leases: gauge('leases_held', 'Leases that this process holds, by what they are for.', database, ['family']),
  workerLeases: gauge(
    'worker_leases',
    'Leases under which a worker of this process does its work; 0 where another process does it. Of replays and sandboxes, those under way here.',
    ['projector'],
    ['worker'],
  ),
  workerSuccess: gauge(
    'worker_last_success_timestamp_seconds',
    'When a worker of this process last did a round of its work, since the Unix epoch.',
    ['projector'],
    ['worker'],
  ),
  workerFailures: counter('worker_failures', 'Rounds of the worker, or jobs of it, that failed and are tried again.', ['projector'], ['worker']),
  databaseConnections: gauge('database_connections', 'Connections of the pool.', database, ['state']),

  blobSeconds: histogram('blob', 'One operation on the blob store.', ['gateway', 'media'], ['operation']),
  blobBytes: counter('blob_bytes', 'Bytes stored and read.', ['gateway', 'media'], ['operation']),
  blobErrors: counter('blob_errors', 'Operations on the blob store that failed.', ['gateway', 'media'], ['operation', 'code']),

  publishers: gauge('ingest_publishers', 'Publishers that are live here.', ['ingest']),
  ingestBytes: counter('ingest_bytes', 'Bytes received from publishers.', ['ingest']),
  ingestKeptBytes: gauge('ingest_kept_bytes', 'Media that is kept for media processes: what they have not stored.', ['ingest']),
  certificateSeconds: gauge('ingest_certificate_seconds_left', 'Time until the RTMPS certificate expires; below zero once it has.', ['ingest']),
  corrections: counter('ingest_corrections', "What was done to publishers' times, configurations and tracks, by kind; drift in ms.", ['ingest'], ['kind']),
  admissionAnswers: counter(
    'ingest_admission_answers',
    'Answers of the admission service: allowed, refused, unreadable (neither), failing (an error); silent: none came.',
    ['ingest'],
    ['outcome'],
  ),
  rejections: counter('ingest_rejections', 'Publishers refused.', ['ingest'], ['reason']),

  encoders: gauge('encoders_running', 'Streams that are encoded here.', ['media']),
  encoderRestarts: counter('encoder_restarts', 'Encoders started after the first of their stream.', ['media']),
  encoderSteps: counter('encoder_steps', 'Times that an encoder went on with a faster preset because the machine was too slow.', ['media']),
  segments: counter('segments', 'Segments announced on the log.', ['media']),
  segmentBytes: counter('segment_bytes', 'Bytes of them.', ['media']),

  edgeRequests: counter('edge_requests', 'Requests to the edge.', ['edge']),
  edgeHits: counter('edge_hits', 'Requests answered from the cache.', ['edge']),
  edgeMisses: counter('edge_misses', 'Requests that needed the origin.', ['edge']),
  edgeCollapsed: counter('edge_collapsed', 'Of the misses, those that shared the fill of another.', ['edge']),
  edgeFills: counter('edge_origin_fetches', 'Requests to the origin.', ['edge']),
  edgeOriginErrors: counter('edge_origin_errors', 'Of them, those that failed.', ['edge']),
  edgeBytes: counter('edge_bytes', 'Body bytes, to clients and from the origin.', ['edge'], ['direction']),
  edgeFillsRunning: gauge('edge_fills_running', 'Fills under way.', ['edge']),
  edgeObjects: gauge('edge_objects', 'Objects in memory.', ['edge']),
  edgeMemoryBytes: gauge('edge_memory_bytes', 'Bytes of them.', ['edge']),
  edgeDiskState: gauge('edge_disk_state', 'The disk tier: 1 on, 0.5 full for the moment, 0 given up after faults; absent without one.', ['edge']),
  edgeDiskObjects: gauge('edge_disk_objects', 'Objects on the disk.', ['edge']),
  edgeDiskBytes: gauge('edge_disk_bytes', 'Bytes of the segments on the disk.', ['edge']),
  edgeDiskHits: counter('edge_disk_hits', 'Objects read back from the disk.', ['edge']),
  edgeDiskFaults: counter('edge_disk_faults', 'Reads and writes of the disk that failed, and records that were damaged.', ['edge']),
  edgeSharedState: gauge('edge_shared_state', 'The tier that edges share: 1 in use, 0.5 full and read, 0 left alone; absent without one.', ['edge']),
  edgeSharedLookups: counter(
    'edge_shared_lookups',
    'What was asked of it: hit, miss, late (nobody waited any longer), fault (another value than any edge writes).',
    ['edge'],
    ['outcome'],
  ),
  edgeSharedWrites: counter('edge_shared_writes', 'Objects given to it, and those that were not because it was away, full or behind.', ['edge'], ['outcome']),
  edgePrefetches: counter('edge_prefetches', 'Objects fetched before they were asked for.', ['edge'], ['source']),
  edgePrefetchesUsed: counter('edge_prefetches_used', 'Of them, those that were asked for.', ['edge'], ['source']),
  edgePrefetchesWasted: counter('edge_prefetches_wasted', 'Of them, those that went without having been asked for.', ['edge'], ['source']),
  edgePrefetchBytes: counter('edge_prefetch_bytes', 'What they cost.', ['edge'], ['source']),
  edgePrefetchPrecision: gauge('edge_prefetch_precision', 'Share of them that was used lately; absent while too little is known.', ['edge'], ['source']),
  edgePrefetchWaiting: gauge('edge_prefetch_waiting', 'Objects that wait to be fetched ahead.', ['edge']),
  edgeLogLines: counter(
    'edge_log_lines',
    'Lines of the access log that the log took, and that were dropped because it was away or slow.',
    ['edge'],
    ['outcome'],
  ),
  edgeLogWaiting: gauge('edge_log_waiting_lines', 'Lines of the access log that wait for the log.', ['edge']),
  edgeLogSample: gauge('edge_log_sample_ratio', 'The share of requests that get a line in the access log: 1 for each.', ['edge']),
  edgeTrafficLost: counter('edge_traffic_periods_lost', 'Minutes and hours of counters that were given up because the log was away for too long.', ['edge']),
  edgeZoneRequests: counter('edge_zone_requests', 'Requests by the id of their zone: `platform` is its own, `other` all beyond 200.', ['edge'], ['zone']),
  edgeZoneBytes: counter('edge_zone_bytes', 'Body bytes to their clients.', ['edge'], ['zone']),
  edgeZoneHits: counter('edge_zone_hits', 'Of the requests, those answered from the cache, stale ones too.', ['edge'], ['zone']),
  edgeRevalidations: counter(
    'edge_revalidations',
    'Objects that the origin was asked about before they expired, because many ask for them, by what it said: confirmed, changed, or nothing of use (failed).',
    ['edge'],
    ['outcome'],
  ),
  edgeDesiredReplicas: gauge(
    'edge_desired_replicas',
    'How many edges a region should have by its load, as last advised (edge.scale-advised); of the projector that advises, so take the maximum.',
    ['projector'],
    ['region'],
  ),
  steeringRedirects: counter('steering_redirects', 'Requests that were sent to an edge, or to nobody, by how good the choice was.', ['steering'], ['quality']),
  steeringQueries: counter('steering_dns_queries', 'DNS queries, by what became of them.', ['steering'], ['outcome', 'transport']),
  steeringRegistryAge: gauge('steering_registry_age_seconds', 'Since the edges were last read.', ['steering']),
  steeringPlaces: gauge('steering_places', 'Whether it is known where addresses are: 1 or 0.', ['steering']),
  edgePurgeLag: gauge('edge_purge_lag_seconds', 'Since when purges may have been missed, at worst.', ['edge']),
} as const;

export const allMetrics: readonly MetricSpec[] = Object.values(metrics);
