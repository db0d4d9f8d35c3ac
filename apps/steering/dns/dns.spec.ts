import { describe, expect, test } from '@jest/globals';
import { Prng } from '#kernel';
import * as packet from 'dns-packet';
import { answerTo, type AnswerDeps, type ZoneFacts } from './dns-answer.core.ts';
import { readQuery, udpLimitOf, writeFormatError, writeReply, writeTruncated, type DnsQuestion } from './dns-message.codec.ts';
import { ResponseRate } from './response-rate.core.ts';

const facts: ZoneFacts = {
  ...{ zone: 'cdn.example.net', nameServers: ['ns1.cdn.example.net', 'ns.other.example'], nameServerAddresses: ['192.0.2.53', '2001:db8::53'] },
  ...{ ttlSeconds: 20, serial: 1_790_000_000 },
};
const deps: AnswerDeps = {
  facts,
  edgeFor: (key) => (key === 'away' ? undefined : { ipv4: ['192.0.2.1', '192.0.2.2'], ipv6: key === 'v4' ? [] : ['2001:db8::1'], scopePrefix: 20 }),
};

/** A query as a resolver sends it. */
function query(
  name: string,
  type: string,
  more: {
    readonly subnet?: readonly [family: number, prefix: number, ...bytes: number[]];
    readonly edns?: number;
    readonly version?: number;
    readonly class?: string;
  } = {},
): Buffer {
  const [family = 0, prefix = 0, ...bytes] = more.subnet ?? [];
  const options = more.subnet === undefined ? [] : [{ code: 8, data: Buffer.from([0, family, prefix, 0, ...bytes]) }];
  const opt = { type: 'OPT', name: '.', udpPayloadSize: more.edns ?? 1232, ednsVersion: more.version ?? 0, extendedRcode: 0, flags: 0, options };
  return packet.encode({
    ...{
      id: 4711,
      type: 'query',
      flags: packet.RECURSION_DESIRED,
      questions: [{ name, type: type as packet.RecordType, class: (more.class ?? 'IN') as packet.RecordClass }],
    },
    additionals: more.edns === undefined && more.subnet === undefined && more.version === undefined ? [] : [opt as unknown as packet.Answer],
  });
}

function read(bytes: Buffer): DnsQuestion {
  const found = readQuery(bytes);
  if (found.is !== 'question') throw new Error(found.is);
  return found.question;
}

/** Status, whether it is the authority's word, and what is said. */
function asked(bytes: Buffer, limit = 1232) {
  const question = read(bytes);
  const reply = writeReply(question, answerTo(question, deps), limit);
  const decoded = packet.decode(reply) as ReturnType<typeof packet.decode> & {
    readonly rcode: string;
    readonly flag_aa: boolean;
    readonly flag_tc: boolean;
    readonly flag_ra: boolean;
    readonly flag_rd: boolean;
  };
  return { reply, decoded, said: (decoded.answers ?? []).map((record) => ('data' in record ? record.data : undefined)) };
}

describe('what the authority answers', () => {
  test.each([
    ['addresses of an edge', 'st-1.cdn.example.net', 'A', 'NOERROR', ['192.0.2.1', '192.0.2.2']],
    ['of either family', 'st-1.cdn.example.net', 'AAAA', 'NOERROR', ['2001:db8::1']],
    ['of the zone itself', 'cdn.example.net', 'A', 'NOERROR', ['192.0.2.1', '192.0.2.2']],
    ['none of that family', 'v4.cdn.example.net', 'AAAA', 'NOERROR', []],
    ['none of that type', 'st-1.cdn.example.net', 'TXT', 'NOERROR', []],
    ['a type that nobody has named', 'st-1.cdn.example.net', 'UNKNOWN_65', 'NOERROR', []],
    ['deeper than names go', 'a.b.cdn.example.net', 'A', 'NXDOMAIN', []],
    ['nobody to send to', 'away.cdn.example.net', 'A', 'SERVFAIL', []],
    ['another zone', 'www.example.org', 'A', 'REFUSED', []],
    ['one that ends alike', 'evilcdn.example.net', 'A', 'REFUSED', []],
    ['the root', '.', 'NS', 'REFUSED', []],
    ['the whole zone', 'cdn.example.net', 'AXFR', 'REFUSED', []],
    ['its name servers', 'cdn.example.net', 'NS', 'NOERROR', ['ns1.cdn.example.net', 'ns.other.example']],
    ['where one is', 'ns1.cdn.example.net', 'A', 'NOERROR', ['192.0.2.53']],
    ['and what else it has', 'ns1.cdn.example.net', 'TXT', 'NOERROR', []],
  ])('%s: %s %s', (_what, name, type, status, data) => {
    const { decoded, said } = asked(query(name, type));
    expect([decoded.rcode, said, decoded.id, decoded.flag_ra, decoded.flag_rd]).toEqual([status, data, 4711, false, true]);
    expect(decoded.flag_aa).toBe(status !== 'REFUSED');
    // RFC 2308: how long there is nothing.
    if (data.length === 0 && (status === 'NOERROR' || status === 'NXDOMAIN'))
      expect(decoded.authorities).toMatchObject([{ type: 'SOA', name: 'cdn.example.net', ttl: 20 }]);
  });

  test('the start of authority, and of everything next to nothing', () => {
    expect(asked(query('cdn.example.net', 'SOA')).said).toMatchObject([
      { mname: 'ns1.cdn.example.net', rname: 'hostmaster.cdn.example.net', serial: facts.serial, minimum: 20 },
    ]);
    expect(asked(query('st-1.cdn.example.net', 'ANY')).said).toEqual([{ cpu: 'RFC8482', os: '' }]);
  });

  test('a name comes back as it was spelt (0x20)', () => {
    const { decoded, reply } = asked(query('sT-1.CdN.eXample.NET', 'A'));
    expect([decoded.questions?.[0]?.name, decoded.answers?.[0]?.name]).toEqual(['sT-1.CdN.eXample.NET', 'sT-1.CdN.eXample.NET']);
    expect(reply.includes(Buffer.from('CdN'))).toBe(true);
  });

  test.each([
    ['CH', undefined, 'REFUSED'],
    ['IN', 1, 'BADVERS'],
  ])('class %s, EDNS version %s: %s', (asked_, version, status) => {
    const { decoded } = asked(query('cdn.example.net', 'A', { class: asked_, ...(version === undefined ? {} : { version }) }));
    const extended = (decoded.additionals?.[0] as unknown as { extendedRcode?: number } | undefined)?.extendedRcode ?? 0;
    expect(status === 'BADVERS' ? extended : decoded.rcode).toBe(status === 'BADVERS' ? 1 : status);
  });

  test('other operations are not implemented, whatever follows their head', () => {
    const update = query('cdn.example.net', 'SOA');
    update.writeUInt16BE(5 << 11, 2);
    const { decoded } = asked(update);
    expect([decoded.rcode, (decoded as { opcode?: string }).opcode, decoded.questions]).toEqual(['NOTIMP', 'UPDATE', []]);
  });
});

describe('the client subnet (RFC 7871)', () => {
  const optionOf = (bytes: Buffer): unknown =>
    (
      (asked(bytes).decoded.additionals ?? []).find(({ type }) => type === 'OPT') as unknown as { options: ReadonlyArray<{ data: Buffer }> } | undefined
    )?.options.map(({ data }) => [...data]);

  test('is told back with how much of it the answer holds for', () => {
    expect(optionOf(query('st-1.cdn.example.net', 'A', { subnet: [1, 24, 198, 51, 100] }))).toEqual([[0, 1, 24, 20, 198, 51, 100]]);
    expect(optionOf(query('st-1.cdn.example.net', 'TXT', { subnet: [1, 24, 198, 51, 100] }))).toEqual([[0, 1, 24, 0, 198, 51, 100]]);
    expect(optionOf(query('st-1.cdn.example.net', 'A', { edns: 1232 }))).toEqual([]);
    expect(optionOf(query('st-1.cdn.example.net', 'A'))).toBeUndefined();
  });

  test('is read', () => {
    expect(read(query('x.cdn.example.net', 'A', { subnet: [1, 20, 198, 51, 96] })).subnet).toMatchObject({ address: '198.51.96.0', sourcePrefix: 20 });
    expect(read(query('x.cdn.example.net', 'A', { subnet: [2, 32, 0x20, 0x01, 0x0d, 0xb8] })).subnet).toMatchObject({
      address: '2001:db8:0:0:0:0:0:0',
      sourcePrefix: 32,
    });
    expect(read(query('x.cdn.example.net', 'A', { subnet: [1, 0] })).subnet).toMatchObject({ sourcePrefix: 0 });
  });

  test.each<[string, readonly [number, number, ...number[]]]>([
    ['longer than its prefix', [1, 16, 198, 51, 100]],
    ['shorter than its prefix', [1, 24, 198, 51]],
    ['with bits beyond its prefix', [1, 20, 198, 51, 100]],
    ['of no family', [3, 8, 1]],
    ['of more bits than there are', [1, 33, 1, 2, 3, 4, 0x80]],
  ])('%s is an error of form', (_what, subnet) => expect(readQuery(query('x.cdn.example.net', 'A', { subnet })).is).toBe('malformed'));
});

describe('what does not fit, and what is no question', () => {
  test('an answer that is too long is cut to its question, and says so', () => {
    const many: AnswerDeps = { facts, edgeFor: () => ({ ipv4: Array.from({ length: 60 }, (_, at) => `192.0.2.${at}`), ipv6: [], scopePrefix: 0 }) };
    const question = read(query('st-1.cdn.example.net', 'A'));
    const short = packet.decode(writeReply(question, answerTo(question, many), udpLimitOf(question)));
    expect([short.answers, (short as unknown as { flag_tc: boolean }).flag_tc]).toEqual([[], true]);
    expect(packet.decode(writeReply(question, answerTo(question, many), 65_535)).answers).toHaveLength(60);
    expect(udpLimitOf(read(query('x.cdn.example.net', 'A', { edns: 65_535 })))).toBe(1232);
    expect(udpLimitOf(read(query('x.cdn.example.net', 'A', { edns: 100 })))).toBe(512);
    expect(writeTruncated(question).length).toBeLessThanOrEqual(query('st-1.cdn.example.net', 'A').length);
  });

  test('answers, and what is shorter than a head, are passed over; what breaks off is an error of form', () => {
    const whole = query('st-1.cdn.example.net', 'A', { subnet: [1, 24, 198, 51, 100] });
    const answer = Buffer.from(whole);
    answer.writeUInt16BE(0x8100, 2);
    expect(readQuery(answer).is).toBe('ignored');
    for (let length = 0; length < whole.length; length++) expect(readQuery(whole.subarray(0, length)).is).toBe(length < 12 ? 'ignored' : 'malformed');
    expect([...writeFormatError({ id: 1, opcode: 0, recursionDesired: true })]).toEqual([0, 1, 0x81, 1, ...Array(8).fill(0)]);
  });

  test('two questions, none, two OPT records, a name that points to itself, and labels that are no text are errors of form', () => {
    const plain = query('x.cdn.example.net', 'A');
    for (const count of [0, 2]) {
      const other = Buffer.from(plain);
      other.writeUInt16BE(count, 4);
      expect(readQuery(other).is).toBe('malformed');
    }
    const twice = query('x.cdn.example.net', 'A', { edns: 1232 });
    const opt = twice.subarray(plain.length);
    const both = Buffer.concat([twice, opt]);
    both.writeUInt16BE(2, 10);
    expect(readQuery(both).is).toBe('malformed');
    expect(readQuery(Buffer.concat([plain.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])).is).toBe('malformed');
    expect(readQuery(Buffer.concat([plain.subarray(0, 12), Buffer.from([2, 0xff, 0xfe, 0, 0, 1, 0, 1])])).is).toBe('malformed');
  });

  test('whatever bytes come, it neither throws nor says more than fits', () => {
    const dice = new Prng(7);
    const seeds = [
      query('st-1.cdn.example.net', 'A', { subnet: [1, 24, 198, 51, 100] }),
      query('cdn.example.net', 'ANY', { edns: 4096 }),
      query('x.cdn.example.net', 'UNKNOWN_300'),
    ];
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(seeds[round % seeds.length] as Buffer);
      for (let changes = dice.nextInteger(1, 6); changes > 0; changes--) bytes[dice.nextInteger(0, bytes.length - 1)] = dice.nextInteger(0, 255);
      const found = readQuery(bytes.subarray(0, dice.nextInteger(1, 8) === 1 ? dice.nextInteger(0, bytes.length) : bytes.length));
      if (found.is !== 'question') continue;
      const reply = writeReply(found.question, answerTo(found.question, deps), udpLimitOf(found.question));
      expect(reply.length).toBeLessThanOrEqual(1232);
      expect(reply.readUInt16BE(0)).toBe(found.question.id);
      expect(reply.readUInt16BE(2) & 0x8000).toBe(0x8000);
    }
  });
});

describe('answers to one network', () => {
  test('are limited: of what is too much, half is dropped and half says to ask by TCP', () => {
    const rate = new ResponseRate({ perSecond: 10, networksMax: 2 });
    const take = (network: string, nowMs: number, times: number): string[] => Array.from({ length: times }, () => rate.take(network, nowMs));
    expect(take('192.0.2', 0, 14)).toEqual([...Array(10).fill('answer'), 'truncate', 'drop', 'truncate', 'drop']);
    expect(take('198.51.100', 0, 1)).toEqual(['answer']);
    expect(take('192.0.2', 200, 3)).toEqual(['answer', 'answer', 'truncate']);
    // Of more networks than are remembered the longest unseen is forgotten.
    expect(take('203.0.113', 200, 1)).toEqual(['answer']);
    expect(take('192.0.2', 200, 1)).toEqual(['drop']);
  });
});
