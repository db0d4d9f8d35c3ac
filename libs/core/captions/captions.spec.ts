import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CaptionDecoder, captionPairs, emptyCaptions, renderCaptions, shiftedCaptions } from './index.ts';
import { bytesOf, captionUnit, defineWindow, LineWriter, servicePacket, type Pair } from '../../../test/interop/caption-writer.ts';

const frameMs = 40;

/** One pair a frame, as line 21 has it, from the time that is told. */
function decoded(...scripts: ReadonlyArray<readonly [atMs: number, pairs: readonly Pair[]]>): CaptionDecoder {
  const decoder = new CaptionDecoder();
  for (const [fromMs, pairs] of scripts)
    pairs.forEach((pair, at) => decoder.push({ decodeMs: fromMs + at * frameMs, presentationMs: fromMs + at * frameMs, pairs: bytesOf([pair]) }));
  return decoder;
}

const texts = (decoder: CaptionDecoder, channel: string, fromMs = 0, untilMs = 60_000): string[] =>
  (decoder.between(fromMs, untilMs).find((one) => one.channel === channel)?.cues ?? []).map(({ blocks }) =>
    blocks.map(({ lines }) => lines.join('|')).join(' / '),
  );

describe('CEA-608', () => {
  test('pop-on is shown when its end of caption comes, and until it is erased', () => {
    const first = new LineWriter().popOn('Good', 'evening').pairs;
    const decoder = decoded([1000, first], [4000, new LineWriter().command(0x2c).pairs]);
    const [cues] = decoder.between(0, 10_000);
    expect(cues).toEqual({
      channel: 'cc1',
      cues: [
        {
          startMs: 1000 + (first.length - 2) * frameMs,
          endMs: 4000,
          blocks: [{ topPercent: expect.closeTo(79.33, 1), leftPercent: 10, lines: ['Good', 'evening'] }],
        },
      ],
    });
  });

  test('roll-up moves its rows up; what has rolled out is gone', () => {
    const lines = ['one', 'two', 'three'].map((line, at) => [at * 2000, new LineWriter().rollUp(line).pairs] as const);
    const shown = texts(decoded(...lines), 'cc1');
    expect([shown.includes('one'), shown.includes('one|two'), shown.at(-1)]).toEqual([true, true, 'two|three']);
  });

  test('letters of a moment make one cue, not one for each pair', () => {
    const decoder = decoded([0, new LineWriter().rollUp('The quick brown fox jumps over').pairs]);
    expect(texts(decoder, 'cc1').length).toBeLessThan(4);
    expect(texts(decoder, 'cc1').at(-1)).toBe('The quick brown fox jumps over');
  });

  test('paint-on is shown while it is written, and another mode erases nothing of it', () => {
    const decoder = decoded(
      [0, new LineWriter().command(0x29).row(15).text('painted').pairs],
      [3000, new LineWriter().command(0x20).row(14).text('hidden').pairs],
    );
    expect(texts(decoder, 'cc1').at(-1)).toBe('painted');
  });

  test.each([1, 2, 3, 4])('channel %d has a memory of its own', (channel) => {
    const decoder = decoded([0, new LineWriter(channel).popOn(`number ${channel}`).pairs]);
    expect(decoder.between(0, 60_000).map((one) => [one.channel, one.cues.length])).toEqual([[`cc${channel}`, 1]]);
    expect(texts(decoder, `cc${channel}`)).toEqual([`number ${channel}`]);
  });

  test('channels of both fields come side by side', () => {
    const [one, three] = [new LineWriter(1).popOn('english').pairs, new LineWriter(3).popOn('spanish').pairs];
    const decoder = new CaptionDecoder();
    one.forEach((pair, at) => decoder.push({ decodeMs: at * 40, presentationMs: at * 40, pairs: bytesOf([pair, three[at] as Pair]) }));
    expect([texts(decoder, 'cc1'), texts(decoder, 'cc3')]).toEqual([['english'], ['spanish']]);
  });

  test('letters beyond ASCII, styles, and what WebVTT would read as tags', () => {
    const line = new LineWriter().command(0x20).command(0x2e).row(15);
    // é basic, ♪ special, Ü in the place of a U, ã in the place of an a; italics and yellow by mid-row codes.
    line
      .pair(0x5c, 0x20)
      .code(0x11, 0x37)
      .text('U')
      .code(0x12, 0x24)
      .text('a')
      .code(0x13, 0x21)
      .code(0x11, 0x2e)
      .text('a<b')
      .code(0x11, 0x2a)
      .text('&')
      .command(0x2f);
    expect(texts(decoded([0, line.pairs]), 'cc1')).toEqual(['é ♪Üã <i>a&lt;b </i><c.yellow>&amp;</c>']);
  });

  test('backspace, delete to end of row, tab and a preamble with an indent', () => {
    const line = new LineWriter().command(0x29).row(15, 0x14).text('abcx').command(0x21).code(0x17, 0x22).text('d');
    const decoder = decoded([0, line.pairs]);
    expect(decoder.between(0, 60_000)[0]?.cues.at(-1)?.blocks).toEqual([{ topPercent: expect.closeTo(84.67, 1), leftPercent: 30, lines: ['abc  d'] }]);
    expect(texts(decoded([0, [...line.pairs, ...new LineWriter().row(15).text('a').command(0x24).pairs]]), 'cc1').at(-1)).toBe('a');
  });

  test('a row that is full is written at its end, and stays within the screen', () => {
    expect(texts(decoded([0, new LineWriter().popOn('x'.repeat(40)).pairs]), 'cc1')).toEqual(['x'.repeat(32)]);
  });

  test('text services, program data and what comes before any mode are no captions', () => {
    const text = new LineWriter().command(0x2b).row(15).text('weather').pairs;
    const data = new LineWriter(3).popOn('seen').pairs;
    const services: Pair[] = [
      [1, 0x01, 0x03],
      [1, 0x50, 0x50],
      [1, 0x0f, 0x20],
    ];
    expect(texts(decoded([0, text]), 'cc1')).toEqual([]);
    expect(texts(decoded([0, data], [2000, services], [4000, new LineWriter(3).command(0x2c).pairs]), 'cc3')).toEqual(['seen']);
    expect(decoded([0, new LineWriter().text('lost').pairs]).between(0, 9000)).toEqual([]);
  });

  test('nothing is shown for ever: an encoder that went away says nothing any more', () => {
    const decoder = decoded([0, new LineWriter().popOn('last').pairs]);
    expect(texts(decoder, 'cc1', 30_000, 60_000)).toEqual([]);
  });
});

describe('CEA-708', () => {
  const text = (letters: string): number[] => [...letters].map((letter) => letter.charCodeAt(0));
  const packets = (...all: readonly Pair[][]): CaptionDecoder => {
    const decoder = new CaptionDecoder();
    all.forEach((pairs, at) => decoder.push({ decodeMs: at * 1000, presentationMs: at * 1000, pairs: bytesOf(pairs) }));
    return decoder;
  };

  test('a service writes into its window, which scrolls', () => {
    const decoder = packets(
      servicePacket([...defineWindow, ...text('one')]),
      servicePacket([0x0d, ...text('two')], { sequence: 1 }),
      servicePacket([0x0d, ...text('three')], { sequence: 2 }),
      servicePacket([0x88, 1], { sequence: 3 }),
    );
    expect(decoder.between(0, 9000)).toEqual([
      {
        channel: 'service1',
        cues: [
          expect.objectContaining({ startMs: 0, endMs: 1000, blocks: [expect.objectContaining({ lines: ['one'] })] }),
          expect.objectContaining({ endMs: 2000, blocks: [expect.objectContaining({ lines: ['one', 'two'] })] }),
          expect.objectContaining({ endMs: 3000, blocks: [expect.objectContaining({ lines: ['two', 'three'] })] }),
        ],
      },
    ]);
  });

  test('windows are hidden, shown, moved and deleted; pens have styles; letters of three sets', () => {
    const styled = [...defineWindow, 0x90, 0x05, 0x80, 0x91, 0x30, 0, 0, ...text('a'), 0x10, 0x25, 0xe9, 0x7f, 0x18, 0x20, 0xac, 0x92, 1, 2, 0x71];
    expect(texts(packets(servicePacket(styled)), 'service1')).toEqual(['<c.red><i>a…é♪€</i></c>|<c.red><i>q</i></c>']);
    const word = servicePacket([...defineWindow, ...text('word'), 0x08]);
    const then = (...bytes: number[]): string[] => texts(packets(word, servicePacket(bytes, { sequence: 1 })), 'service1', 1000);
    expect([then(0), then(0x8a, 1), then(0x8b, 1), then(0x8c, 1), then(0x8f), then(0x0c), then(0x0e)]).toEqual([['wor'], [], [], [], [], [], []]);
    expect(texts(packets(word, servicePacket([0x8a, 1], { sequence: 1 }), servicePacket([0x89, 1], { sequence: 2 })), 'service1', 2000)).toEqual(['wor']);
  });

  test('a command that a packet cuts is ended by the next, unless that one is missing', () => {
    const whole = [...defineWindow];
    const cut = (sequence: number): string[] =>
      texts(packets(servicePacket(whole.slice(0, 4)), servicePacket([...whole.slice(4), ...text('hi')], { sequence })), 'service1');
    expect([cut(1), cut(2)]).toEqual([['hi'], []]);
  });

  test('other services have channels of their own', () => {
    const decoder = packets(servicePacket([...defineWindow, ...text('x')], { service: 2 }));
    expect(decoder.between(0, 9000).map(({ channel }) => channel)).toEqual(['service2']);
  });
});

describe('captions in access units', () => {
  const pairs: readonly Pair[] = [
    [0, 0x94, 0x2f],
    [1, 0, 0],
    [3, 0, 0],
  ];

  test.each(['avc', 'hevc'] as const)('are found in %s among other units, with bytes that keep start codes out', (codec) => {
    const other = Uint8Array.of(0, 0, 0, 3, codec === 'avc' ? 0x65 : 0x26, 1, 2);
    const unit = Uint8Array.from([...other, ...captionUnit(pairs, codec), ...other]);
    expect(captionPairs(unit, codec, 4)).toEqual(bytesOf(pairs));
    expect(captionPairs(other, codec, 4)).toBeUndefined();
  });

  test('many pairs make a message longer than a byte tells', () => {
    const many = Array.from({ length: 31 }, () => [0, 0x94, 0x2f] as const);
    expect(captionPairs(Uint8Array.from([...captionUnit(many), ...captionUnit(many), ...captionUnit(many)]), 'avc', 4)).toHaveLength(64 * 3);
  });

  test('that come in the order of decoding are read in the order of showing', () => {
    const script = new LineWriter().popOn('in order').pairs;
    const decoder = new CaptionDecoder();
    // I0 P3 B1 B2 P6 B4 B5 …: shown three frames after the earliest decoding.
    const order = script.flatMap((_, at) => (at % 3 === 0 ? [at, at - 2, at - 1] : [])).filter((at) => at >= 0);
    order.forEach((at, n) => decoder.push({ decodeMs: n * frameMs, presentationMs: (at + 2) * frameMs, pairs: bytesOf([script[at] as Pair]) }));
    const rest = script.length - Math.max(...order) - 1;
    for (let at = script.length - rest; at < script.length; at++)
      decoder.push({ decodeMs: at * frameMs, presentationMs: (at + 2) * frameMs, pairs: bytesOf([script[at] as Pair]) });
    expect(texts(decoder, 'cc1')).toEqual(['in order']);
  });

  test('whatever comes, nothing of it is an error, and times stay in order', () => {
    const unit = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 })), { maxLength: 31 })
        .map((some) => captionUnit(some)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, fc.integer({ min: -200, max: 200 })), { maxLength: 40 }), fc.boolean(), (units, isHevc) => {
        const decoder = new CaptionDecoder();
        units.forEach(([one, offset], at) =>
          decoder.push({ decodeMs: at * 40, presentationMs: at * 40 + offset, pairs: captionPairs(one, isHevc ? 'hevc' : 'avc', 4) }),
        );
        for (const { cues } of decoder.between(0, 2000)) {
          for (const { startMs, endMs, blocks } of cues) {
            expect(startMs).toBeLessThan(endMs);
            expect(blocks.every(({ topPercent, leftPercent }) => topPercent >= 0 && topPercent <= 100 && leftPercent >= 0 && leftPercent <= 100)).toBe(true);
          }
          expect(renderCaptions({ startUs: 0, cues })).not.toMatch(/NaN|undefined/);
        }
      }),
    );
  });
});

describe('WebVTT', () => {
  const blocks = [{ topPercent: 84.666, leftPercent: 10, lines: ['Good', 'evening'] }];

  test('has the times of the stream, and says what the clock of the media shows', () => {
    expect(renderCaptions({ startUs: 3_724_000_000, cues: [{ startMs: 3_724_500, endMs: 3_726_000, blocks }] })).toBe(
      'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:335160000,LOCAL:01:02:04.000\n\n01:02:04.500 --> 01:02:06.000 line:84.67% position:10% align:start size:90%\nGood\nevening\n',
    );
  });

  test('the clock has 33 bits, and beside transport streams it runs ahead', () => {
    const late = renderCaptions({ startUs: 95_444_000_000, cues: [] });
    expect(late).toContain(`MPEGTS:${(95_444_000 * 90) % 2 ** 33},LOCAL:26:30:44.000`);
    expect(shiftedCaptions(late, 900_000)).toContain(`MPEGTS:${(95_444_000 * 90 + 900_000) % 2 ** 33},`);
    expect(shiftedCaptions(emptyCaptions, 9)).toContain('MPEGTS:9,');
  });

  test('a cue that goes on is cut at the end of its segment and begins again in the next', () => {
    const decoder = decoded([0, new LineWriter().popOn('long').pairs]);
    const cues = [0, 2000, 4000].map((from) => decoder.between(from, from + 2000)[0]?.cues.map(({ startMs, endMs }) => [startMs, endMs]));
    expect(cues).toEqual([[[expect.any(Number), 2000]], [[2000, 4000]], [[4000, 6000]]]);
    decoder.forgetBefore(1_000_000);
    expect(decoder.between(4000, 6000)[0]?.cues).toHaveLength(1);
  });
});
