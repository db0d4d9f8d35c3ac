import { decodeAmf0, encodeAmf0, type AmfObject, type AmfValue } from '#core/flv';
import { RtmpError } from './errors.ts';

/** A command (RTMP 1.0 section 7.2): its name, the transaction that a reply refers to, and its arguments. */
export interface Command {
  readonly name: string;
  /** 0 when no reply is wanted. */
  readonly transactionId: number;
  /** The command object; null when the command has none. */
  readonly object: AmfObject | null;
  readonly arguments: readonly AmfValue[];
}

export function isAmfObject(value: AmfValue): value is AmfObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function encodeCommand(command: Command): Uint8Array {
  return encodeAmf0(command.name, command.transactionId, command.object, ...command.arguments);
}

/** @throws RtmpError `RTMP_MESSAGE_INVALID` for what is not a command; FlvError for what is not AMF 0. */
export function decodeCommand(payload: Uint8Array): Command {
  const [name, transactionId, object, ...rest] = decodeAmf0(payload);
  if (typeof name !== 'string') throw new RtmpError('RTMP_MESSAGE_INVALID', 'A command has no name.');
  return {
    name,
    transactionId: typeof transactionId === 'number' && Number.isFinite(transactionId) ? transactionId : 0,
    object: isAmfObject(object) ? object : null,
    arguments: rest,
  };
}

/** Type 17 messages begin with the byte 0, then speak AMF 0 (section 7.1.1; AMF 3 values only behind a switch marker). */
export function unwrapAmf3(payload: Uint8Array): Uint8Array {
  return payload[0] === 0 ? payload.subarray(1) : payload;
}
