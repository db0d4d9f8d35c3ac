import { describe, expect, test } from '@jest/globals';
import { judge, noFindings } from './client.ts';
import { joinUpdate, readPlaylist } from './playlist.ts';
import { renditionRules } from './rules.ts';

const part = (mediaSequence: number, index: number, duration = 0.5, more = ''): string =>
  `#EXT-X-PART:DURATION=${duration.toFixed(6)},URI="./v/${mediaSequence}.${index}.r1.m4s"${index === 0 ? ',INDEPENDENT=YES' : ''}${more}\n`;
const date = (mediaSequence: number): string => `#EXT-X-PROGRAM-DATE-TIME:${new Date(1_790_000_000_000 + mediaSequence * 2000).toISOString()}\n`;
const parts = (mediaSequence: number, count = 4): string => Array.from({ length: count }, (_, index) => part(mediaSequence, index)).join('');
const segment = (mediaSequence: number, partCount = 0): string =>
  `${date(mediaSequence)}${parts(mediaSequence, partCount)}#EXTINF:2.000000,\nseg${mediaSequence}.m4s\n`;

const head = (first: number, more = ''): string => `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:${first}
#EXT-X-DISCONTINUITY-SEQUENCE:0
${more}#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MAP:URI="init.mp4"
`;
const tail = '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="./v/8.2.r1.m4s"\n#EXT-X-RENDITION-REPORT:URI="./a.m3u8",LAST-MSN=8,LAST-PART=1\n';
/** Segments 4 to 7, and two parts of 8. */
const good = `${head(4)}${segment(4)}${segment(5)}${segment(6)}${segment(7, 4)}${date(8)}${parts(8, 2)}${tail}`;
/** A moment later: 8 is whole, 4 is gone. */
const next = `${head(5)}${segment(5)}${segment(6)}${segment(7, 4)}${segment(8, 4)}${date(9)}${parts(9, 1)}${tail.replace('8.2', '9.1')}`;

function found(after: string, before?: string): string[] {
  const findings = noFindings();
  judge(findings, before === undefined ? undefined : readPlaylist(before), readPlaylist(after), 'v');
  return [...findings.violations].map((violation) => violation.split(' ')[0] as string);
}

describe('the walker', () => {
  test('finds nothing in what is right', () => {
    expect(found(good)).toEqual([]);
    expect(found(next, good)).toEqual([]);
  });

  test('numbers segments, parts and discontinuities as clients do', () => {
    const playlist = readPlaylist(good.replace(date(7), `#EXT-X-DISCONTINUITY\n${date(7)}`));
    expect(playlist.segments.map(({ mediaSequence, discontinuityNumber, parts: own }) => [mediaSequence, discontinuityNumber, own.length])).toEqual([
      [4, 0, 0],
      [5, 0, 0],
      [6, 0, 0],
      [7, 1, 4],
    ]);
    expect([playlist.open?.mediaSequence, playlist.open?.discontinuityNumber, playlist.open?.parts.length]).toEqual([8, 1, 2]);
  });

  test('joins an update to what the client had', () => {
    const update = `${head(5).replace('#EXT-X-MAP:URI="init.mp4"\n', '')}#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n${segment(7, 4)}${segment(8, 4)}${date(9)}${parts(9, 1)}`;
    const joined = joinUpdate(readPlaylist(good), readPlaylist(update));
    expect(joined?.segments).toEqual(readPlaylist(next).segments);
    expect(joined?.open).toEqual(readPlaylist(next).open);
    const late = update.replace('SKIPPED-SEGMENTS=2', 'SKIPPED-SEGMENTS=4');
    expect(joinUpdate(readPlaylist(good), readPlaylist(late))).toBeUndefined();
  });

  test.each([
    ['6.2.1-M1', good.replace('#EXTINF:2.000000,\nseg5', '#EXTINF:2.600000,\nseg5')],
    ['6.2.1-S6', good.replace(date(5), '#EXT-X-DISCONTINUITY\n')],
    ['6.2.1-M14', good.replace(date(6), date(4))],
    ['6.2.2-M1', good.replace('#EXT-X-MEDIA-SEQUENCE:4\n', '')],
    ['6.2.2-M9', good.replace('#EXT-X-DISCONTINUITY-SEQUENCE:0\n', '')],
    ['6.2.2-M12', good.replace('#EXT-X-VERSION:7\n', '#EXT-X-VERSION:7\n#EXT-X-PLAYLIST-TYPE:EVENT\n')],
    ['6.2.2-S1', good.replace(segment(4), segment(4, 4))],
    ['4.4.4.9-target', good.replace(part(8, 1), part(8, 1, 0.6))],
    ['4.4.4.9-target', good.replace('#EXT-X-PART-INF:PART-TARGET=0.5\n', '')],
    ['4.4.4.9-85%', good.replace(part(7, 1), part(7, 1, 0.4)).replace(part(7, 2), part(7, 2, 0.6))],
    ['3-parts', good.replace(part(7, 3), '')],
    ['4.4.3.8-part-hold-back', good.replace('PART-HOLD-BACK=1.5', 'PART-HOLD-BACK=1.2')],
    ['4.4.3.8-skip', good.replace('CAN-SKIP-UNTIL=12', 'CAN-SKIP-UNTIL=10')],
    ['4.4.5.3', `${good}#EXT-X-ENDLIST\n`],
    ['6.2.6-S6', `${good}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="./v/9.0.r1.m4s"\n`],
    ['6.2.6-hint', good.replace('8.2.r1', '8.1.r1')],
    ['4.4.5.4', good.replace(',LAST-MSN=8', '')],
  ])('finds by itself: %s', (item, text) => expect(found(text)).toContain(item));

  test.each([
    ['6.2.1-M13', next.replace('TARGETDURATION:2', 'TARGETDURATION:3')],
    ['6.2.1-M10', next.replace('PART-HOLD-BACK=1.5', 'PART-HOLD-BACK=2')],
    ['6.2.1-M10', next.replace('#EXT-X-PART-INF:PART-TARGET=0.5', '#EXT-X-PART-INF:PART-TARGET=0.6')],
    ['6.2.1-M10', next.replace('seg6.m4s', 'other.m4s')],
    ['6.2.1-M10', next.replace(date(6), `#EXT-X-DISCONTINUITY\n${date(6)}`)],
    ['6.2.1-M10', next.replace(date(8), `#EXT-X-DISCONTINUITY\n${date(8)}`)],
    ['6.2.1-M10', `${head(4)}${segment(4)}${segment(5)}${segment(6)}`],
    ['6.2.2-M5', next.replace('8.1.r1', '8.1.r2')],
    ['6.2.2-M5', next.replace(part(8, 1), part(8, 1, 0.5, ',GAP=YES'))],
    ['6.2.2-M3', `${head(3)}${segment(3)}${good.slice(head(4).length)}`],
    ['6.2.2-M11', good.replace('DISCONTINUITY-SEQUENCE:0', 'DISCONTINUITY-SEQUENCE:-1')],
    ['6.2.2-M6', `${head(7)}${segment(7, 4)}${segment(8, 4)}`],
    ['6.2.6-M1', next.replace('./v/8.2.r1', './w/8.2.r1')],
  ])('finds between two reloads: %s', (item, text) => expect(found(text, good)).toContain(item));

  test('what follows a crash is in order: gaps behind parts, and another run', () => {
    const gaps = good.replace(tail, `#EXT-X-PART:DURATION=0.500000,URI="./v/8.2.gap.m4s",GAP=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="./v/9.0.r2.m4s"\n`);
    expect(found(gaps, good)).toEqual([]);
  });

  test.each([
    ['6.2.4-M2c', good.replace(date(6), `#EXT-X-DISCONTINUITY\n${date(6)}`)],
    ['6.2.4-M2d', good.replace('TARGETDURATION:2', 'TARGETDURATION:3')],
    ['6.2.4-M2e', `${head(7)}${segment(7, 4)}`],
    ['6.2.4-M2h', good.replace(date(6), date(6).replace('.000Z', '.200Z'))],
    ['6.2.4-M2j', good.replace('PART-HOLD-BACK=1.5', 'PART-HOLD-BACK=2')],
  ])('finds between two renditions: %s', (item, text) => {
    const wrong = renditionRules.filter(({ check }) => check(readPlaylist(good), readPlaylist(text)) !== undefined);
    expect(wrong.map((rule) => rule.item)).toContain(item);
    expect(renditionRules.filter(({ check }) => check(readPlaylist(good), readPlaylist(next)) !== undefined)).toEqual([]);
  });
});
