/** Settings of the server; given as arguments, so that a cluster of an older release runs with today's. */
export function serverSettings(port: number): Readonly<Record<string, string>> {
  return {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '100',
    shared_buffers: '128MB',
    fsync: 'on',
    synchronous_commit: 'on',
    // Nobody replicates from an embedded server: less to write ahead.
    wal_level: 'minimal',
    max_wal_senders: '0',
    jit: 'off',
    password_encryption: 'scram-sha-256',
    // A forgotten transaction holds locks and the outbox's horizon.
    idle_in_transaction_session_timeout: '30s',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'on',
    log_directory: 'log',
    log_filename: 'postgres-%Y%m%d-%H%M%S.log',
    log_rotation_size: '10MB',
    log_rotation_age: '1d',
    // Statements carry tenants' data; their text stays out of the log.
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
  };
}

/** Who may connect: over loopback, with the password (pg_hba.conf). */
export const hostAccess = `# written at every start
host all all 127.0.0.1/32 scram-sha-256
`;
