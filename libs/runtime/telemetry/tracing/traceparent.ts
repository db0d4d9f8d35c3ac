/** The parts of a `traceparent` (W3C Trace Context, section 3.2). */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const pattern = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/;

/** Undefined for text that is no valid `traceparent`; a producer's mistake must not cost us the event. */
export function parseTraceparent(text: string): TraceContext | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  return { traceId: match[1] as string, spanId: match[2] as string, sampled: (Number.parseInt(match[3] as string, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** Length of a version-00 `traceparent`. */
const length = 55;
const digitsEnd = 0x3a;

/** Whether somebody records this trace; looked at for every record of a batch, so it reads one character. */
export function isSampled(traceparent: string | undefined): traceparent is string {
  if (traceparent?.length !== length) return false;
  const last = traceparent.charCodeAt(length - 1);
  return ((last < digitsEnd ? last : last + 1) & 1) === 1;
}
