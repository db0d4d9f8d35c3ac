import { STATUS_CODES } from 'node:http';
import { OperatingError } from '#kernel';
import { blobBytesMax } from '#ports';
import type { S3Place } from './s3-place.ts';

/** What an exception of the SDK tells about itself. */
interface Told {
  /** The error code of the S3 API, or the name of what went wrong on the way. */
  readonly name: string;
  readonly status: number | undefined;
}

export function told(error: unknown): Told {
  const {
    name = '',
    $metadata,
    $response,
  } = error as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  return { name, status: $metadata?.httpStatusCode ?? $response?.statusCode };
}

export function isMissing(error: unknown): boolean {
  const { name, status } = told(error);
  return status === 404 && name !== 'NoSuchBucket';
}

export function notFound(cid: string): OperatingError {
  return new OperatingError(`There is no blob ${cid}.`, { code: 'BLOB_NOT_FOUND', retryable: false });
}

export function rangeInvalid(cid: string, first: number, last: number): OperatingError {
  return new OperatingError(`Bytes ${first} to ${last} are not within ${cid}.`, { code: 'BLOB_RANGE_INVALID', retryable: false });
}

export function tooLarge(): OperatingError {
  return new OperatingError(`A blob has at most ${blobBytesMax} bytes.`, { code: 'BLOB_TOO_LARGE', retryable: false });
}

export function corrupt(cid: string, place: S3Place): OperatingError {
  return new OperatingError(
    `The object ${place.prefix}${cid} of the bucket ${place.bucket} does not hold the bytes of its CID: something has changed it. Delete it, and store the blob again.`,
    { code: 'BLOB_CORRUPT', retryable: false },
  );
}

export function bucketMissing(place: S3Place, cause: unknown): OperatingError {
  const { endpoint, bucket } = place;
  return new OperatingError(
    `The blob store ${endpoint} has no bucket ${bucket}. Create it, allow the key of S3_ACCESS_KEY_ID to do so, or set S3_BUCKET to another one.`,
    { code: 'BLOB_BUCKET_MISSING', retryable: false, cause },
  );
}

type Sentence = (place: S3Place, reason: string) => string;

interface ErrorClass {
  readonly fits: (it: Told) => boolean;
  readonly code: string;
  readonly retryable: boolean;
  readonly sentence: Sentence;
}

const unavailable: Sentence = ({ endpoint, bucket }, reason) => `The blob store ${endpoint}/${bucket} cannot be used now: ${reason}.`;
const refused: Sentence = ({ endpoint, bucket }, reason) =>
  `The blob store ${endpoint} refuses us the bucket ${bucket}: ${reason}. Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and the rights of that key.`;

/** In this order: the first that fits. */
const classes: readonly ErrorClass[] = [
  {
    fits: ({ name, status }) => status === 301 || name === 'AuthorizationHeaderMalformed' || name === 'IllegalLocationConstraintException',
    code: 'BLOB_STORE_REFUSED',
    retryable: false,
    sentence: ({ endpoint, bucket }, reason) =>
      `The bucket ${bucket} is not in the region that ${endpoint} was asked for: ${reason}. Check S3_REGION and S3_ENDPOINT.`,
  },
  // The SDK learns the server's clock from this answer, and the next call fits.
  { fits: ({ name }) => name === 'RequestTimeTooSkewed', code: 'BLOB_STORE_UNAVAILABLE', retryable: true, sentence: unavailable },
  {
    fits: ({ name, status }) => status === 507 || /Full$|QuotaExceeded|InsufficientStorage/.test(name),
    code: 'BLOB_STORE_FULL',
    retryable: true,
    sentence: unavailable,
  },
  // HEAD has no body to say which code it was; some servers answer 404 for a key that they do not know.
  {
    fits: ({ name, status }) => status === 401 || status === 403 || /^CredentialsProviderError$|UserNotFound$/.test(name),
    code: 'BLOB_STORE_REFUSED',
    retryable: false,
    sentence: refused,
  },
  // Damaged on the way.
  {
    fits: ({ name }) => /BadDigest|ContentSHA256Mismatch|InvalidDigest|IncompleteBody/.test(name),
    code: 'BLOB_STORE_UNAVAILABLE',
    retryable: true,
    sentence: unavailable,
  },
  {
    fits: ({ status }) => status !== undefined && status >= 400 && status < 500 && ![408, 409, 429].includes(status),
    code: 'BLOB_STORE_FAILED',
    retryable: false,
    sentence: ({ endpoint, bucket }, reason) => `The blob store ${endpoint}/${bucket} does not understand us: ${reason}.`,
  },
  { fits: () => true, code: 'BLOB_STORE_UNAVAILABLE', retryable: true, sentence: unavailable },
];

/** What a failed call means to the callers of the store. */
export function translated(error: unknown, place: S3Place): OperatingError {
  if (error instanceof OperatingError) return error;
  const it = told(error);
  if (it.name === 'NoSuchBucket') return bucketMissing(place, error);
  const { code, retryable, sentence } = classes.find(({ fits }) => fits(it)) as ErrorClass;
  return new OperatingError(sentence(place, reasonOf(error)), { code, retryable, cause: error });
}

/** What the SDK says where the answer has no body, as those to HEAD: nothing. */
const isNothing = (text: string | undefined): boolean => /^(|Unknown|UnknownError|\d{3})$/.test(text ?? '');

/** The status in words, the S3 code and the store's own words, as far as there are any: `403 Forbidden InvalidAccessKeyId: …`. */
function reasonOf(error: unknown): string {
  const { name, status } = told(error);
  const { message } = error as { message?: string };
  const facts = [status === undefined ? '' : `${status} ${STATUS_CODES[status] ?? ''}`.trim(), isNothing(name) ? '' : name].filter(Boolean).join(' ');
  const words = isNothing(message) || message === name ? '' : (message as string).replace(/\.$/, '');
  return [facts, words].filter(Boolean).join(': ') || 'it gave no reason';
}
