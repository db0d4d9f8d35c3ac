import { protocolErrorsCodesById } from '@platformatic/kafka';
import { OperatingError } from '#kernel';
import { eventLogErrors } from '#ports';

/** Kafka's name of a protocol error, such as `NOT_LEADER_OR_FOLLOWER`. */
export function errorName(code: number): string {
  return (protocolErrorsCodesById as Readonly<Record<number, string | undefined>>)[code] ?? `ERROR_${code}`;
}

/** A broker's refusal of one request or of one partition in it. */
export class BrokerRefusal extends Error {
  readonly kafka: string;

  constructor(code: number, detail?: string | null) {
    super(`Kafka answered ${errorName(code)}${detail ? `: ${detail}` : ''}.`);
    this.kafka = errorName(code);
  }
}

/** What a broker sent cannot be read; asking again brings the same. */
export function corrupt(what: string, cause?: unknown): OperatingError {
  return new OperatingError(`Kafka answered ${what}.`, { code: 'LOG_CORRUPT', retryable: false, cause });
}

/** The broker's name for what went wrong; undefined when it did not answer at all. */
export function refusalOf(error: unknown): string | undefined {
  if (error instanceof BrokerRefusal) return error.kafka;
  const errors = (error as { errors?: unknown }).errors;
  if (Array.isArray(errors)) for (const one of errors as readonly unknown[]) if (refusalOf(one) !== undefined) return refusalOf(one);
  const id = (error as { apiId?: unknown }).apiId;
  return typeof id === 'string' ? id : undefined;
}

/** An answer with errors in it is an answer: other topics and partitions may be fine, and what it says of each is looked at. */
export async function answerOf<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const answer = (error as { response?: Answer }).response;
    if (answer === undefined) throw error;
    return answer;
  }
}

/** No connection, no answer in time, or a broker that is busy with itself: the same request may succeed later. */
const passing = new Set<string | undefined>([
  undefined,
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_CONTROLLER',
  'KAFKA_STORAGE_ERROR',
  'CONCURRENT_TRANSACTIONS',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'PREFERRED_LEADER_NOT_AVAILABLE',
  'INVALID_REPLICATION_FACTOR',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** Credentials that do not fit will not fit later. */
export function mayPass(error: unknown): boolean {
  return !(error instanceof OperatingError) && !isDenied(error) && passing.has(refusalOf(error));
}

function isDenied(error: unknown): boolean {
  return holdsCode(error, (code) => code === 'PLT_KFK_AUTHENTICATION');
}

/** The client wraps errors in each other, and gathers them; they may be of another realm. */
function holdsCode(error: unknown, isWanted: (code: string) => boolean): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, cause, errors = [] } = error as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  return (typeof code === 'string' && isWanted(code)) || holdsCode(cause, isWanted) || errors.some((one) => holdsCode(one, isWanted));
}

/** What OpenSSL and Node say of a certificate that no authority of ours has signed, or that is for another name. */
const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** We are refused, or have to refuse: however often it is tried. Undefined when it is something else. */
export function deniedError(error: unknown): OperatingError | undefined {
  const why = rootMessage(error).replace(/\.$/, '');
  const message = isDenied(error)
    ? `Kafka refuses us: ${why}. Check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.`
    : holdsCode(error, (code) => untrusted.has(code))
      ? `Kafka's certificate is not to be trusted: ${why}. Check KAFKA_TLS_CA and the names in KAFKA_BROKERS.`
      : undefined;
  return message === undefined ? undefined : new OperatingError(message, { code: 'LOG_REFUSED', retryable: false, cause: error });
}

/** Somebody else, or we ourselves in another life, has taken the transactional id, or the broker has lost track of it. */
const lost = new Set<string | undefined>([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
  'UNKNOWN_PRODUCER_ID',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'TRANSACTIONAL_ID_NOT_FOUND',
  'TRANSACTION_COORDINATOR_FENCED',
  'TRANSACTION_ABORTABLE',
]);

export function isProducerLost(error: unknown): boolean {
  return lost.has(refusalOf(error));
}

/** The port's error for what Kafka said at last. */
export function portError(error: unknown, topic?: string): OperatingError {
  if (error instanceof OperatingError) return error;
  const refusal = refusalOf(error);
  if (refusal === 'UNKNOWN_TOPIC_OR_PARTITION' && topic !== undefined) return eventLogErrors.topicUnknown(topic);
  if (refusal === 'KAFKA_STORAGE_ERROR') return eventLogErrors.full(error);
  if (refusal === 'MESSAGE_TOO_LARGE' || refusal === 'RECORD_LIST_TOO_LARGE') {
    return new OperatingError('A broker refuses records of this size: raise max.message.bytes of the topic.', {
      code: 'RECORD_TOO_LARGE',
      retryable: false,
      cause: error,
    });
  }
  return unavailable(error);
}

export function unavailable(error: unknown): OperatingError {
  const why = refusalOf(error) ?? rootMessage(error);
  return new OperatingError(`Kafka cannot be used now: ${why}`, { code: 'LOG_UNAVAILABLE', retryable: !isDenied(error), cause: error });
}

/** The innermost message: outer ones only say that something failed. Errors of Node itself may be of another realm. */
function rootMessage(error: unknown): string {
  const { message, errors, cause } = error as { message?: unknown; errors?: readonly unknown[]; cause?: unknown };
  const inner = errors?.at(-1) ?? cause;
  if (typeof inner === 'object' && inner !== null) return rootMessage(inner);
  return typeof message === 'string' ? message : String(error);
}
