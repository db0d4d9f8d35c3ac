import { StreamsError, type StreamsErrorCode } from '../errors.ts';

/** Kafka's error codes (protocol guide, "Error Codes") that do not pass by themselves. */
const lasting: Readonly<Record<number, StreamsErrorCode>> = {
  10: 'TOO_LARGE', // MESSAGE_TOO_LARGE
  18: 'TOO_LARGE', // RECORD_LIST_TOO_LARGE
  29: 'FORBIDDEN', // TOPIC_AUTHORIZATION_FAILED
  31: 'FORBIDDEN', // CLUSTER_AUTHORIZATION_FAILED
  53: 'FORBIDDEN', // TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  58: 'UNAUTHENTICATED', // SASL_AUTHENTICATION_FAILED
  87: 'INVALID', // INVALID_RECORD
};

interface Failure {
  readonly code?: unknown;
  readonly apiCode?: unknown;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** The first code of the protocol in an error and its causes; both clients wrap their errors. */
function protocolCodes(error: unknown, depth = 0): number[] {
  if (typeof error !== 'object' || error === null || depth > 5) return [];
  const { code, apiCode, cause, errors = [] } = error as Failure;
  const own = [code, apiCode].filter((one): one is number => typeof one === 'number');
  return [...own, ...[cause, ...errors].flatMap((one) => protocolCodes(one, depth + 1))];
}

/** What a producer threw. What is not known to last passes: a broker may be away, or moving. */
export function kafkaFailure(error: unknown): StreamsError {
  const code = protocolCodes(error)
    .map((one) => lasting[one])
    .find((one) => one !== undefined);
  const message = error instanceof Error ? error.message : String(error);
  return new StreamsError(`Kafka did not take the events (${message}).`, { code: code ?? 'UNAVAILABLE', retryable: code === undefined, cause: error });
}
