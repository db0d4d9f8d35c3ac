import * as packet from 'dns-packet';

/** EDNS client subnet (RFC 7871 section 6). */
export interface ClientSubnet {
  readonly family: 1 | 2;
  readonly sourcePrefix: number;
  /** Bits beyond the prefix are zero; as text. */
  readonly address: string;
  /** As they came: an answer repeats them. */
  readonly bytes: Buffer;
}

export interface DnsQuestion {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  /** As it was asked, case included (0x20). */
  readonly name: string;
  readonly type: string;
  readonly class: string;
  /** Undefined without EDNS. */
  readonly edns: { readonly version: number; readonly udpSize: number } | undefined;
  readonly subnet: ClientSubnet | undefined;
}

/** ignored: nothing that can be answered, or an answer itself; malformed: its head can be read and the rest cannot. */
export type ReadQuery =
  | { readonly is: 'question'; readonly question: DnsQuestion }
  | { readonly is: 'ignored' }
  | { readonly is: 'malformed'; readonly id: number; readonly opcode: number; readonly recursionDesired: boolean };

const headBytes = 12;
const subnetCode = 8;
const queryBytesMax = 4096;

interface Opt {
  readonly type: 'OPT';
  readonly udpPayloadSize: number;
  readonly ednsVersion: number;
  readonly options?: ReadonlyArray<{ readonly code: number; readonly data?: Buffer }>;
}

/** RFC 7871 section 6: as many bytes as the prefix needs, no bit beyond it, and a scope of 0 in queries. */
function subnetOf(data: Buffer): ClientSubnet {
  if (data.length < 4) throw new RangeError('a subnet without its head');
  const [family, sourcePrefix, scope] = [data.readUInt16BE(0), data.readUInt8(2), data.readUInt8(3)];
  const whole = family === 1 ? 4 : family === 2 ? 16 : 0;
  const length = Math.ceil(sourcePrefix / 8);
  if (whole === 0 || sourcePrefix > whole * 8 || scope !== 0 || data.length !== 4 + length) throw new RangeError('a subnet of another form');
  const bytes = Buffer.alloc(whole);
  data.copy(bytes, 0, 4);
  const rest = sourcePrefix % 8;
  if (rest !== 0 && ((bytes[length - 1] as number) & (0xff >> rest)) !== 0) throw new RangeError('a subnet with bits beyond its prefix');
  const address = family === 1 ? [...bytes].join('.') : Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':');
  return { family: family as 1 | 2, sourcePrefix, address, bytes: data.subarray(4) };
}

function questionOf(bytes: Buffer, head: { readonly id: number; readonly opcode: number; readonly recursionDesired: boolean }): DnsQuestion {
  const { additionals = [], questions = [] } = packet.decode(bytes);
  const [asked] = questions;
  // Nobody asks two questions at once (RFC 9619).
  if (questions.length !== 1 || asked === undefined) throw new RangeError('not one question');
  const opts = additionals.filter(({ type }) => type === 'OPT') as unknown as readonly Opt[];
  if (opts.length > 1) throw new RangeError('more than one OPT record');
  const [opt] = opts;
  const subnets = (opt?.options ?? []).filter(({ code }) => code === subnetCode);
  if (subnets.length > 1) throw new RangeError('more than one subnet');
  const data = subnets[0]?.data;
  return {
    ...head,
    name: asked.name,
    type: asked.type,
    class: asked.class ?? 'IN',
    edns: opt === undefined ? undefined : { version: opt.ednsVersion, udpSize: opt.udpPayloadSize },
    subnet: data === undefined ? undefined : subnetOf(data),
  };
}

function skipName(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length;) {
    const length = bytes.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
  throw new RangeError('a name that does not end');
}

/** A label that is no text would come back as another name than was asked. */
function isPlain(name: string, bytes: Buffer): boolean {
  if (name === '.') return true;
  return /^[\x21-\x7e]*$/.test(name) && name.length + 2 === skipName(bytes, headBytes) - headBytes;
}

/** Reads what came in a datagram or a frame. Never throws. */
export function readQuery(bytes: Buffer): ReadQuery {
  if (bytes.length < headBytes || bytes.length > queryBytesMax) return { is: 'ignored' };
  const flags = bytes.readUInt16BE(2);
  // An answer to nothing that we asked: to answer it would be a loop.
  if ((flags & 0x8000) !== 0) return { is: 'ignored' };
  const head = { id: bytes.readUInt16BE(0), opcode: (flags >> 11) & 0xf, recursionDesired: (flags & 0x0100) !== 0 };
  if (head.opcode !== 0) return { is: 'question', question: { ...head, name: '.', type: 'A', class: 'IN', edns: undefined, subnet: undefined } };
  try {
    const question = questionOf(bytes, head);
    return isPlain(question.name, bytes) ? { is: 'question', question } : { is: 'malformed', ...head };
  } catch {
    return { is: 'malformed', ...head };
  }
}

export type DnsRecord = packet.Answer;

export interface DnsReply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
  /** What the answer holds for, of the subnet that was told; undefined where none was told. */
  readonly scopePrefix: number | undefined;
}

const flagAuthoritative = 0x0400;
const flagTruncated = 0x0200;
const flagRecursionDesired = 0x0100;
/** What no path cuts in pieces (RFC 9715 section 3). */
export const udpBytesMax = 1232;

function optOf({ edns, subnet }: DnsQuestion, { rcode, scopePrefix }: DnsReply): readonly DnsRecord[] {
  if (edns === undefined) return [];
  const data = subnet === undefined ? undefined : Buffer.concat([Buffer.from([0, subnet.family, subnet.sourcePrefix, scopePrefix ?? 0]), subnet.bytes]);
  const options = data === undefined ? [] : [{ code: subnetCode, data }];
  return [{ type: 'OPT', name: '.', udpPayloadSize: udpBytesMax, extendedRcode: rcode >> 4, ednsVersion: 0, flags: 0, options } as unknown as DnsRecord];
}

function write(question: DnsQuestion, reply: DnsReply, truncated: boolean): Buffer {
  const { authoritative, rcode } = reply;
  const flags = (authoritative ? flagAuthoritative : 0) | (truncated ? flagTruncated : 0) | (question.recursionDesired ? flagRecursionDesired : 0);
  const rest = truncated ? { answers: [], authorities: [], additionals: [] } : reply;
  const bytes = packet.encode({
    ...{ id: question.id, type: 'response', flags: flags | (rcode & 0xf) },
    questions: question.opcode === 0 ? [{ name: question.name, type: question.type as packet.RecordType, class: question.class as packet.RecordClass }] : [],
    answers: [...rest.answers],
    authorities: [...rest.authorities],
    additionals: [...rest.additionals, ...optOf(question, reply)],
  });
  bytes.writeUInt16BE((bytes.readUInt16BE(2) & 0x87ff) | (question.opcode << 11), 2);
  return bytes;
}

/** @param bytesMax what fits: a longer answer is cut to its question, and says so (TC) */
export function writeReply(question: DnsQuestion, reply: DnsReply, bytesMax: number): Buffer {
  const whole = write(question, reply, false);
  return whole.length <= bytesMax ? whole : write(question, reply, true);
}

/** An answer that says nothing but that it was cut: who is a client asks again by TCP. */
export function writeTruncated(question: DnsQuestion): Buffer {
  return write(question, { rcode: 0, authoritative: true, answers: [], authorities: [], additionals: [], scopePrefix: 0 }, true);
}

/** To what cannot be read: its head alone, with FORMERR. */
export function writeFormatError({
  id,
  opcode,
  recursionDesired,
}: {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
}): Buffer {
  const bytes = Buffer.alloc(headBytes);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(0x8000 | (opcode << 11) | (recursionDesired ? flagRecursionDesired : 0) | 1, 2);
  return bytes;
}

export function udpLimitOf({ edns }: DnsQuestion): number {
  return edns === undefined ? 512 : Math.min(udpBytesMax, Math.max(512, edns.udpSize));
}
