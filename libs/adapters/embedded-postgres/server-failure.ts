import { OperatingError } from '#kernel';

interface KnownFailure {
  readonly sign: RegExp;
  readonly code: string;
  readonly retryable: boolean;
  readonly sentence: (cluster: string) => string;
}

/** What the server says when it cannot start, and what a person should hear. First match wins. */
const knownFailures: readonly KnownFailure[] = [
  {
    sign: /No space left on device|Disk quota exceeded/,
    code: 'POSTGRES_DISK_FULL',
    retryable: true,
    sentence: (cluster) => `The disk that holds ${cluster} is full. Free some space and start again; nothing that was acknowledged is lost.`,
  },
  {
    sign: /pre-existing shared memory block|lock file "postmaster\.pid" already exists/,
    code: 'POSTGRES_STILL_RUNNING',
    retryable: true,
    sentence: (cluster) => `A server of an earlier start still works on ${cluster}. End its "postgres" processes and start again.`,
  },
  {
    sign: /could not bind|Address already in use|could not create any TCP\/IP sockets/,
    code: 'POSTGRES_PORT_TAKEN',
    retryable: true,
    sentence: () => 'The port chosen for the embedded PostgreSQL was taken in the same moment. Start again.',
  },
  {
    sign: /initialized by PostgreSQL version/,
    code: 'POSTGRES_VERSION_MISMATCH',
    retryable: false,
    sentence: (cluster) =>
      `The database in ${cluster} was written by another major version of PostgreSQL. Use the Streams version that wrote it, or move the folder away to rebuild it from the log.`,
  },
  {
    sign: /[Cc]annot allocate memory|could not (map anonymous|create|resize) shared memory/,
    code: 'POSTGRES_NO_MEMORY',
    retryable: true,
    sentence: () => 'There is not enough memory for the embedded PostgreSQL (it needs about 200 MB). Free some and start again.',
  },
  {
    sign: /PANIC:|incompatible with server|invalid checkpoint|valid checkpoint record|pg_control|is not a valid data directory|invalid data in file|base\/\d|global\/|could not open file|could not read file|could not open directory|required .* directory/,
    code: 'POSTGRES_DATA_CORRUPT',
    retryable: false,
    sentence: (cluster) => `The database in ${cluster} is damaged. Move the folder away or restore a backup: what it held is rebuilt from the log.`,
  },
  {
    sign: /Permission denied|has wrong ownership|invalid permissions/,
    code: 'POSTGRES_DATA_UNREACHABLE',
    retryable: false,
    sentence: (cluster) => `The database in ${cluster} is closed to the user that runs it. Give back its ownership (mode 0700), or set DATABASE_URL.`,
  },
];

function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.findLast((line) => /FATAL|PANIC|ERROR|error:/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  return telling.replace(/^.*?(?=FATAL|PANIC|ERROR|error:)/, '').slice(0, 300);
}

/** One sentence for a person out of what the server wrote before it ended. */
export function explainFailure(output: string, cluster: string): OperatingError {
  const known = knownFailures.find((failure) => failure.sign.test(output));
  const cause = new Error(output.trim().slice(-4000));
  if (known !== undefined) return new OperatingError(known.sentence(cluster), { code: known.code, retryable: known.retryable, cause });
  return new OperatingError(`The embedded PostgreSQL in ${cluster} did not start: ${lastWords(output)}.`, {
    code: 'POSTGRES_START_FAILED',
    retryable: false,
    cause,
  });
}
