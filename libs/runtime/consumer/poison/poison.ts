import type { StoredRecord } from '#events';
import { InvariantError, OperatingError } from '#kernel';
import { tenantOf, type Clock, type NewParkedEvent, type ParkedEvents, type ParkedFailure } from '#ports';
import type { LeftOut } from '../../left-out.ts';

export interface PoisonLimits {
  /** How often an event is tried before it is parked. */
  readonly attemptsMax: number;
  /** Between the first two tries, ms; doubled each time. */
  readonly retryMs: number;
  /** Keys that may be blocked in a partition of a projection: more are not poison but a projection that is broken. */
  readonly keysMax: number;
  /** Events that may wait behind parked ones, in a partition. */
  readonly heldMax: number;
}

export const poisonLimits: PoisonLimits = { attemptsMax: 5, retryMs: 600, keysMax: 10_000, heldMax: 1_000_000 };

/** What a host needs to set events aside that a projection cannot take; without it, such an event stops its partition. */
export interface Poison {
  readonly parked: ParkedEvents;
  readonly clock: Clock;
  readonly limits: PoisonLimits;
  /**
   * What a projection leaves out for good. A reader comes to it only where it reads on from before an event that was discarded
   * since: with rows of a backup, or anew from the beginning.
   */
  leftOut(projection: string): Promise<LeftOut>;
}

/** A text of ours that PostgreSQL and an event take: bounded, and without NUL. */
function cut(text: string, most: number): string {
  return text.replaceAll('\0', '').slice(0, most).toWellFormed();
}

const messageMax = 1000;
const stackMax = 4000;

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Codes of failures that are the fault of an event, or of the projection at this event. */
const ofEvents: ReadonlySet<string> = new Set(['PROJECTION_FAILED', 'DATABASE_VALUE_INVALID']);

/**
 * True for a failure at an event that trying again does not overcome: the projection threw, or the database refuses its
 * rows (SQLSTATE classes 22 and 23, and rows that do not fit their table). False for whatever passes by itself (an engine that
 * is away, a deadlock, a timeout), and for what no single event is to blame for: a fenced checkpoint, a type that the projection
 * does not declare, a database that refuses to work.
 */
export function isPoison(error: unknown): boolean {
  if (error instanceof InvariantError) return true;
  const code = codeOf(error);
  if (code === undefined || !ofEvents.has(code)) return false;
  return (error as { cause?: { retryable?: unknown } }).cause?.retryable !== true;
}

/** The failure as it is recorded: the innermost stack, without places outside of the program's own folder. */
export function failureOf(error: unknown): ParkedFailure {
  const cause = (error as { cause?: unknown } | null)?.cause;
  const inner = cause instanceof Error ? cause : error;
  const outside = error instanceof Error ? error.message : String(error);
  const message = inner !== error && inner instanceof Error && !outside.includes(inner.message) ? `${outside} ${inner.name}: ${inner.message}` : outside;
  const code = error instanceof InvariantError ? 'ROW_INVALID' : (codeOf(error) ?? 'PROJECTION_FAILED');
  return { code, message: cut(message, messageMax), stack: cut(stackOf(inner), stackMax) };
}

/** Frames of our own code, relative to the folder that it runs in: a stack names neither machines nor users. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return '';
  const frames = error.stack.split('\n').filter((line) => /^\s+at /.test(line));
  const short = frames.map((line) => line.replace(/(?:file:\/\/)?\/[^\s()]*?\/((?:dist|node_modules|libs|apps|test)\/)/g, '$1'));
  return [`${error.name}: ${error.message.slice(0, messageMax)}`, ...short.slice(0, 20)].join('\n');
}

export function parkedOf(record: StoredRecord, error: unknown, attempts: number): NewParkedEvent {
  const { offset, key, headers, recordedAt } = record;
  const about = { eventId: cut(headers['ce_id'] ?? '', messageMax), eventType: cut(headers['ce_type'] ?? '', messageMax), recordedAtMs: recordedAt };
  return { offset, key, tenant: tenantOf(record), ...about, failure: failureOf(error), attempts };
}

/** Too much is set aside: the partition stops and says so. */
export function tooMuchPoison(what: string): OperatingError {
  return new OperatingError(`${what} are set aside: that is not a poisoned event but a projection that is broken. The partition stops here.`, {
    code: 'PARKED_TOO_MANY',
    retryable: false,
  });
}
