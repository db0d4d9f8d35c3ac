import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { renderMpd, type Beginning, type DashImage, type DashMarker, type DashRendition, type DashSegment, type DashTrack, type Manifest } from './index.ts';
import { availabilityStartMs, periodSpans } from './periods.core.ts';
import { attributeText, duration, element } from './xml.core.ts';

const clockMs = 1_790_000_000_000;
const picture: DashTrack = { timescale: 90_000, codecs: 'avc1.64001f', width: 1280, height: 720, sampleRate: undefined, channels: undefined };
const sound: DashTrack = { timescale: 48_000, codecs: 'mp4a.40.2', width: undefined, height: undefined, sampleRate: 48_000, channels: 2 };

function segment(track: DashTrack, mediaSequence: number, startTicks: number, durationTicks: number, change: Partial<DashSegment> = {}): DashSegment {
  const startUs = Math.round((startTicks * 1e6) / track.timescale);
  const durationUs = Math.round(((startTicks + durationTicks) * 1e6) / track.timescale) - startUs;
  return { mediaSequence, initCid: `i-${track.codecs}`, startUs, durationUs, startTicks, durationTicks, track, ...change };
}

/** 2 s of 30 frames a second each. */
const pictures = (from: number, to: number, change: Partial<DashSegment> = {}): DashSegment[] =>
  Array.from({ length: to - from }, (_, at) => segment(picture, from + at, (from + at) * 180_000, 180_000, change));

/** As the segmenter cuts sound: at the first of its frames at or after the picture's cut. */
const sounds = (from: number, to: number): DashSegment[] => {
  const start = (mediaSequence: number): number => Math.ceil((mediaSequence * 96_000) / 1024) * 1024;
  return Array.from({ length: to - from }, (_, at) => segment(sound, from + at, start(from + at), start(from + at + 1) - start(from + at)));
};

const rendition = (name: string, bandwidth: number, segments: readonly DashSegment[], change: Partial<DashRendition> = {}): DashRendition => {
  const about = { name, kind: 'video' as const, bandwidth, frameRate: 30, codecs: 'avc1.64001f', width: 1280, height: 720, channels: undefined };
  return { ...about, isMade: true, segments, ...change };
};
const audio = (segments: readonly DashSegment[]): DashRendition => rendition('audio', 140_000, segments, { kind: 'audio', codecs: 'mp4a.40.2', channels: 2 });
const beginning = (mediaSequence: number, programDateTimeMs = clockMs + mediaSequence * 2000): Beginning => ({
  mediaSequence,
  startUs: mediaSequence * 2_000_000,
  programDateTimeMs,
  inits: {},
});

const live: Omit<Manifest, 'renditions'> = { beginnings: [beginning(0)], segmentDurationMs: 2000, dvrWindowMs: 3_600_000, ended: false, timeUrl: '../time' };

/** Elements on lines of their own, as a reader would want them. */
const lines = (xml: string): string => xml.replaceAll('><', '>\n<');

describe('a manifest', () => {
  test('of a live stream: renditions of one kind share their times, and those of sound are its own', () => {
    const renditions = [rendition('240p', 560_000, pictures(7, 10)), rendition('720p', 3_000_000, pictures(7, 10)), audio(sounds(7, 10))];
    expect(lines(renderMpd({ ...live, renditions }))).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="dynamic" availabilityStartTime="2026-09-21T14:13:20.000Z" publishTime="2026-09-21T14:13:40.000Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT3600S" suggestedPresentationDelay="PT6S" minBufferTime="PT2S" maxSegmentDuration="PT2.1S">
<Period id="p0" start="PT0S">
<AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
<Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
<SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="7" media="$RepresentationID$/$Number$.m4s">
<SegmentTimeline>
<S t="1260000" d="180000" r="2"/>
</SegmentTimeline>
</SegmentTemplate>
<Representation id="720p" codecs="avc1.64001f" bandwidth="3000000" width="1280" height="720" frameRate="30">
<SegmentTemplate initialization="../../media/i-avc1.64001f.mp4"/>
</Representation>
<Representation id="240p" codecs="avc1.64001f" bandwidth="560000" width="1280" height="720" frameRate="30">
<SegmentTemplate initialization="../../media/i-avc1.64001f.mp4"/>
</Representation>
</AdaptationSet>
<AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
<Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
<SegmentTemplate timescale="48000" presentationTimeOffset="0" startNumber="7" media="$RepresentationID$/$Number$.m4s">
<SegmentTimeline>
<S t="672768" d="95232"/>
<S d="96256" r="1"/>
</SegmentTimeline>
</SegmentTemplate>
<Representation id="audio" codecs="mp4a.40.2" bandwidth="140000" audioSamplingRate="48000">
<AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
<SegmentTemplate initialization="../../media/i-mp4a.40.2.mp4"/>
</Representation>
</AdaptationSet>
</Period>
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="../time"/>
</MPD>
`);
  });

  test('of a recording: static, as long as its media, and no clock to ask', () => {
    const text = renderMpd({ ...live, ended: true, renditions: [rendition('720p', 1, pictures(0, 5))] });
    expect(text).toContain(' type="static" mediaPresentationDuration="PT10S" ');
    for (const word of ['UTCTiming', 'availabilityStartTime', 'minimumUpdatePeriod', 'timeShiftBufferDepth']) expect(text).not.toContain(word);
  });

  test('of a recording whose sound goes on behind its picture lasts as long as the sound', () => {
    const lasting = (heard: number, ended = true): string =>
      renderMpd({ ...live, ended, renditions: [rendition('720p', 1, pictures(0, 5)), audio(sounds(0, heard))] });
    // The last of its frames are the picture's.
    expect(lasting(5)).toContain(' mediaPresentationDuration="PT10S" ');
    expect(lasting(8)).toContain(' mediaPresentationDuration="PT16S" ');
    expect(lasting(8, false)).toContain(' publishTime="2026-09-21T14:13:30.000Z" ');
  });

  test('a period that goes on by the same clock does not move it, wherever it begins', () => {
    const started = [1_999_400, 2_000_600, 4_010_999, 6_021_333].map((startUs, at) => {
      const second = { ...beginning(1), mediaSequence: 1 + at, startUs, programDateTimeMs: clockMs + Math.floor(startUs / 1000) };
      const text = renderMpd({ ...live, beginnings: [beginning(0), second], renditions: [rendition('720p', 1, pictures(0, 5))] });
      return /availabilityStartTime="(.*?)"/.exec(text)?.[1];
    });
    expect(new Set(started)).toEqual(new Set([new Date(clockMs).toISOString()]));
  });

  test('a publisher that came back after a minute begins a period right behind the one before, and the clock is that of the new one', () => {
    const again = pictures(3, 5, { initCid: 'other', track: { ...picture, codecs: 'avc1.64001e', width: 640, height: 360 } });
    const text = renderMpd({
      ...live,
      beginnings: [beginning(0), beginning(3, clockMs + 66_000)],
      renditions: [rendition('720p', 1, [...pictures(0, 3), ...again])],
    });
    expect(text).toContain('availabilityStartTime="2026-09-21T14:14:20.000Z" publishTime="2026-09-21T14:14:30.000Z"');
    expect(text).toContain('<Period id="p0" start="PT0S">');
    const [, second = ''] = text.split('<Period id="p3" start="PT6S">');
    // The media's own times go on; the offset brings them to the period's beginning.
    expect(second).toContain('timescale="90000" presentationTimeOffset="540000" startNumber="3"');
    expect(second).toContain('codecs="avc1.64001e" bandwidth="1" width="640" height="360"');
    expect(second).toContain('initialization="../../media/other.mp4"');
  });

  test('a period keeps its name and place when the window has left its beginning, and goes with its last segment', () => {
    const at = (from: number): string =>
      renderMpd({ ...live, beginnings: [beginning(0), beginning(3, clockMs + 66_000)], renditions: [rendition('720p', 1, pictures(from, from + 4))] });
    expect(at(2)).toContain('<Period id="p0" start="PT0S">');
    expect(at(4)).not.toContain('id="p0"');
    expect(at(4)).toContain('<Period id="p3" start="PT6S">');
    expect(at(4)).toContain('presentationTimeOffset="540000" startNumber="4"');
  });

  test('segments of packagers that told no ticks are in microseconds', () => {
    const old = pictures(0, 2).map((one) => ({ ...one, startTicks: undefined, durationTicks: undefined, track: undefined }));
    const text = renderMpd({ ...live, renditions: [rendition('720p', 1, [...old, ...pictures(2, 4)])] });
    expect(text).toContain('timescale="1000000" presentationTimeOffset="0" startNumber="0"');
    expect(text).toContain('<S t="0" d="2000000" r="3"/>');
    expect(text).toContain('codecs="avc1.64001f"');
  });

  test('a number without media is listed, so that the numbers behind it hold', () => {
    const text = renderMpd({ ...live, renditions: [rendition('720p', 1, [...pictures(0, 2), ...pictures(4, 5)])] });
    expect(text).toContain('<S t="0" d="180000" r="4"/>');
    const late = renderMpd({ ...live, renditions: [rendition('720p', 1, [...pictures(0, 1), segment(picture, 1, 190_000, 180_000)])] });
    expect(late).toContain('<S t="0" d="180000"/><S t="190000" d="180000"/>');
    const corrupt = renderMpd({ ...live, renditions: [rendition('720p', 1, [...pictures(0, 1), segment(picture, 1e9, 180_000_000, 180_000)])] });
    expect(corrupt.length).toBeLessThan(50_000);
  });

  test('a rendition that lags behind has times of its own', () => {
    const text = renderMpd({ ...live, renditions: [rendition('720p', 2, pictures(0, 4)), rendition('240p', 1, pictures(0, 3))] });
    expect(text.match(/<SegmentTimeline>/g)).toHaveLength(2);
    expect(text).toContain('<Representation id="240p" codecs="avc1.64001f" bandwidth="1" width="1280" height="720" frameRate="30"><SegmentTemplate timescale');
  });

  test('what a player cannot switch between stands apart: other codecs', () => {
    const hevc = pictures(0, 2, { track: { ...picture, codecs: 'hvc1.1.6.L93.B0' } });
    const text = renderMpd({ ...live, renditions: [rendition('720p', 2, pictures(0, 2)), rendition('720p-hevc', 1, hevc)] });
    expect(text.match(/<AdaptationSet /g)).toHaveLength(2);
  });

  test.each([
    [30000 / 1001, '30000/1001'],
    [24000 / 1001, '24000/1001'],
    [25, '25'],
    [12.5, '12500/1000'],
  ])('a frame rate of %d is %s', (frameRate, text) => {
    expect(renderMpd({ ...live, renditions: [rendition('720p', 1, pictures(0, 1), { frameRate })] })).toContain(`frameRate="${text}"`);
  });
});

describe('a manifest of segments that can be had while they are made', () => {
  /** The newest chunk ends a second into the eleventh segment, half a second ago. */
  const edge = { chunkUs: 500_000, edgeUs: 21_000_000, nowMs: clockMs + 21_500 };
  const renditions = [rendition('720p', 3_000_000, pictures(7, 10)), audio(sounds(7, 10))];
  const text = (change: Partial<Manifest> = {}): string => lines(renderMpd({ ...live, lowLatency: edge, renditions, ...change }));
  const started = (xml: string): number => Date.parse(/availabilityStartTime="(.*?)"/.exec(xml)?.[1] ?? '');

  test('counts them from the beginning of their period, and says how early they are there', () => {
    expect(text()).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="dynamic" availabilityStartTime="2026-09-21T14:13:20.000Z" publishTime="2026-09-21T14:13:40.000Z" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT3600S" suggestedPresentationDelay="PT2S" minBufferTime="PT1S" maxSegmentDuration="PT2.1S">
<ServiceDescription id="0">
<Latency referenceId="0" target="2000" max="3600000"/>
<PlaybackRate max="1.1" min="0.95"/>
</ServiceDescription>
<Period id="p0" start="PT0S">
<AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
<ProducerReferenceTime id="0" type="encoder" wallClockTime="2026-09-21T14:13:20.000Z" presentationTime="0">
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="../time"/>
</ProducerReferenceTime>
<Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
<SegmentTemplate timescale="90000" duration="180000" presentationTimeOffset="0" startNumber="0" availabilityTimeOffset="1.5" availabilityTimeComplete="false" media="$RepresentationID$/p0-$Number$.m4s"/>
<Representation id="720p" codecs="avc1.64001f" bandwidth="3000000" width="1280" height="720" frameRate="30">
<SegmentTemplate initialization="../../media/i-avc1.64001f.mp4"/>
</Representation>
</AdaptationSet>
<AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
<ProducerReferenceTime id="0" type="encoder" wallClockTime="2026-09-21T14:13:20.000Z" presentationTime="0">
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="../time"/>
</ProducerReferenceTime>
<Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
<SegmentTemplate timescale="48000" duration="96000" presentationTimeOffset="0" startNumber="0" availabilityTimeOffset="1.5" availabilityTimeComplete="false" media="$RepresentationID$/p0-$Number$.m4s"/>
<Representation id="audio" codecs="mp4a.40.2" bandwidth="140000" audioSamplingRate="48000">
<AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
<SegmentTemplate initialization="../../media/i-mp4a.40.2.mp4"/>
</Representation>
</AdaptationSet>
</Period>
<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="../time"/>
</MPD>
`);
  });

  test('a period that is over says which segment is its last, and so does a recording: nothing is listed that was counted before', () => {
    const beginnings = [beginning(0), beginning(9, clockMs + 66_000)];
    const broken = text({ beginnings });
    const [before = '', after = ''] = broken.split('<Period id="p9"');
    expect(before).toContain('startNumber="0" endNumber="8"');
    expect(before).not.toContain('ProducerReferenceTime');
    expect(after).toContain('startNumber="9" availabilityTimeOffset');
    const ended = text({ beginnings, ended: true });
    expect(ended).toContain('startNumber="9" endNumber="9"');
    for (const word of ['SegmentTimeline', 'availabilityTimeOffset', 'ServiceDescription', 'ProducerReferenceTime']) expect(ended).not.toContain(word);
  });

  test('a publisher that comes back with what it sent before goes on in its period, and the clock is the new one', () => {
    const inits = { '720p': 'i', audio: 'j' };
    const again = beginning(9, clockMs + 66_000);
    const text9 = (change: Partial<Beginning>, more: Partial<Manifest> = {}): string =>
      text({
        beginnings: [
          { ...beginning(0), inits },
          { ...again, inits, ...change },
        ],
        lowLatency: { ...edge, nowMs: clockMs + 69_500 },
        ...more,
      });
    const same = text9({});
    expect(same.match(/<Period /g)).toHaveLength(1);
    expect(started(same)).toBe(clockMs + 48_000);
    expect(same).toContain('presentationTimeOffset="0" startNumber="0" availabilityTimeOffset');
    expect(same).toContain('wallClockTime="2026-09-21T14:14:26.000Z" presentationTime="1620000"');
    // A rendition of which nothing has come yet may still be another.
    expect(text9({ inits: { '720p': 'i' } }).match(/<Period /g)).toHaveLength(1);
    expect(text9({}, { ended: true })).toContain('startNumber="0" endNumber="9"');
    for (const change of [{ inits: { '720p': 'i', audio: 'k' } }, { inits: { '720p': 'i', '90p': 'j' } }, { inits: {} }, { startUs: 18_200_000 }])
      expect(text9(change).match(/<Period /g)).toHaveLength(2);
  });

  test('the clock waits for the media: while nothing comes it stays a little ahead of what there is', () => {
    expect(started(text({ lowLatency: { ...edge, nowMs: clockMs + 22_250 } }))).toBe(clockMs);
    const late = text({ lowLatency: { ...edge, nowMs: clockMs + 32_250 } });
    expect(started(late)).toBe(clockMs + 10_000);
    for (const word of ['ProducerReferenceTime', 'referenceId']) expect(late).not.toContain(word);
    expect(late).toContain('publishTime="2026-09-21T14:13:40.000Z"');
  });

  test('segments whose lengths cannot be known before are had when they are whole', () => {
    const odd = pictures(7, 10).map((one) => ({ ...one, startUs: one.startUs + (one.mediaSequence === 8 ? 400_000 : 0) }));
    const listed = text({ renditions: [rendition('720p', 1, odd)] });
    expect(listed).toContain('<SegmentTimeline>');
    expect(listed).not.toContain('availabilityTime');
    expect(listed).toContain('suggestedPresentationDelay="PT6S"');
  });

  test('a rung that is not made any more ends where it ended; one that came later is listed', () => {
    const rungs = [rendition('720p', 3, pictures(7, 9), { isMade: false }), rendition('480p', 2, pictures(7, 10)), rendition('240p', 1, pictures(8, 10))];
    const shed = text({ renditions: rungs.slice(0, 2) });
    expect(shed).toContain(
      '<Representation id="720p" codecs="avc1.64001f" bandwidth="3" width="1280" height="720" frameRate="30">\n<SegmentTemplate timescale="90000" duration="180000" presentationTimeOffset="0" startNumber="0" endNumber="8"',
    );
    expect(shed).toContain('availabilityTimeComplete="false"');
    expect(text({ renditions: rungs })).toContain(
      'startNumber="8" media="$RepresentationID$/$Number$.m4s" initialization="../../media/i-avc1.64001f.mp4">\n<SegmentTimeline>',
    );
  });

  test('a further sound that comes late takes nothing from the others: it is counted as they are', () => {
    const second = { name: 'audio-1', language: 'de' };
    const late = text({ renditions: [...renditions, { ...audio(sounds(9, 10)), ...second }] });
    expect(late.match(/availabilityTimeOffset="1.5" availabilityTimeComplete="false"/g)).toHaveLength(3);
    expect(late).toContain('suggestedPresentationDelay="PT2S"');
    // Nothing is listed in the recording that was counted before.
    const recorded = text({ renditions: [...renditions, { ...audio(sounds(9, 10)), ...second }], ended: true });
    expect(recorded).not.toContain('SegmentTimeline');
    expect(recorded.match(/startNumber="0" endNumber="9"/g)).toHaveLength(3);
  });

  test('a further sound that is not where it would be counted to is listed, and takes nothing from the others', () => {
    const off = sounds(7, 10).map((one) => ({ ...one, startUs: one.startUs + 1_400_000 }));
    const listed = text({ renditions: [...renditions, { ...audio(off), name: 'audio-1' }] });
    expect(listed.match(/availabilityTimeComplete="false"/g)).toHaveLength(2);
    expect(listed).toContain('startNumber="7" availabilityTimeOffset="1.5" media="$RepresentationID$/$Number$.m4s">\n<SegmentTimeline>');
    // Without the first sound there is nothing at the edge.
    expect(text({ renditions: [rendition('720p', 3, pictures(7, 10)), audio(off)] })).not.toContain('availabilityTime');
  });

  test('sound at 44.1 kHz is counted in its own ticks, and segments of a length that these do not fit in microseconds', () => {
    const cd = sounds(7, 9).map((one) => ({ ...one, track: { ...sound, timescale: 44_100 } }));
    expect(text({ renditions: [audio(cd)] })).toContain('timescale="44100" duration="88200"');
    const film = pictures(7, 9).map((one) => ({ ...one, track: { ...picture, timescale: 24 }, startUs: one.mediaSequence * 2_020_000, durationUs: 2_020_000 }));
    expect(text({ segmentDurationMs: 2020, beginnings: [{ ...beginning(0), startUs: 0 }], renditions: [rendition('720p', 1, film)] })).toContain(
      'timescale="1000000" duration="2020000"',
    );
  });
});

test('small pictures are images of tiles, found by their time, in the period that they show, one set a layout', () => {
  const image = (startSec: number, change: Partial<DashImage> = {}): DashImage => ({
    ...{
      sizeBytes: 12_345,
      startUs: startSec * 1e6,
      durationUs: 10_000_000,
      columns: 5,
      rows: 1,
      width: 160,
      height: 90,
    },
    ...change,
  });
  const images = [image(4), image(14), image(16, { columns: 2, durationUs: 2_000_000 }), image(22), image(30, { durationUs: 12_000_000 })];
  const beginnings = [beginning(0), beginning(9, clockMs + 66_000)];
  const lowLatency = { chunkUs: 500_000, edgeUs: 21_000_000, nowMs: clockMs + 67_500 };
  const text = lines(renderMpd({ ...live, lowLatency, beginnings, images, renditions: [rendition('720p', 1, pictures(7, 11))] }));
  const [, first = '', short = '', second = ''] = text.split('contentType="image"');
  expect(first).toContain('<SegmentTemplate timescale="1000000" presentationTimeOffset="0" availabilityTimeOffset="1.5" media="thumbnails/$Time$.jpg">');
  expect(first).toContain('<SegmentTimeline>\n<S t="4000000" d="10000000"/>\n<S t="14000000" d="10000000"/>\n</SegmentTimeline>');
  expect(first).toContain('<Representation id="thumbnails" bandwidth="9900" width="800" height="90">');
  // The last image of a session that older packagers looked at: fewer pictures, in a set of their own behind.
  expect(short).toContain('<SegmentTimeline>\n<S t="16000000" d="2000000"/>\n</SegmentTimeline>');
  expect(short).toContain(`<Representation id="thumbnails-2x1-160x90" bandwidth="50000" width="320" height="90">
<EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="2x1"/>`);
  expect([...text.matchAll(/<AdaptationSet id="(\d)"/g)].map(([, id]) => id)).toEqual(['1', '2', '3', '1', '2']);
  expect(second).toContain('presentationTimeOffset="18000000"');
  expect(second).toContain('<S t="22000000" d="8000000"/>\n<S t="30000000" d="12000000"/>');
  expect(second).toContain(`<Representation id="thumbnails" bandwidth="9900" width="800" height="90">
<EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="5x1"/>`);
});

describe('captions', () => {
  const captions = [
    { name: 'cc1.captions', label: 'CC1', rendition: '720p', spoken: [8, 9, 10] },
    { name: 'cc3.captions', label: 'CC3 "ü"', rendition: '720p', spoken: [9, 10] },
  ];
  const beginnings = [beginning(0), beginning(9, clockMs + 66_000)];
  const renditions = [rendition('720p', 1, pictures(7, 11)), audio(sounds(7, 11))];
  const sets = (change: Partial<Manifest> = {}): string[] =>
    lines(renderMpd({ ...live, beginnings, renditions, captions, ...change })).match(/<AdaptationSet id="\d+" contentType="text"[^]*?<\/AdaptationSet>/g) ?? [];

  test('are text beside the picture, by its numbers, in the periods in which anybody spoke', () => {
    const [first = '', second = '', third = ''] = sets();
    expect(sets()).toHaveLength(3);
    expect(first).toBe(`<AdaptationSet id="3" contentType="text" mimeType="text/vtt" lang="und">
<Label>CC1</Label>
<Role schemeIdUri="urn:mpeg:dash:role:2011" value="caption"/>
<SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="7" media="$RepresentationID$/$Number$.vtt">
<SegmentTimeline>
<S t="1260000" d="180000" r="1"/>
</SegmentTimeline>
</SegmentTemplate>
<Representation id="cc1.captions" bandwidth="2000"/>
</AdaptationSet>`);
    expect(second).toContain('presentationTimeOffset="1620000" startNumber="9"');
    expect(third).toContain('<AdaptationSet id="4"');
    expect(third).toContain('<Label>CC3 &quot;ü&quot;</Label>');
  });

  test('are counted where the picture is, and asked for as early', () => {
    const [, second = ''] = sets({ lowLatency: { chunkUs: 500_000, edgeUs: 22_000_000, nowMs: clockMs + 70_000 } });
    expect(second).toContain(
      '<SegmentTemplate timescale="90000" duration="180000" presentationTimeOffset="1620000" startNumber="9" availabilityTimeOffset="1.5" media="$RepresentationID$/p9-$Number$.vtt"/>',
    );
  });

  test('without their picture are left out', () => expect(sets({ renditions: [audio(sounds(7, 11))] })).toEqual([]));
});

describe('date ranges', () => {
  const range = (id: string, startMs: number, change: Partial<DashMarker> = {}): DashMarker => ({
    ...{ id, class: undefined, startMs: clockMs + startMs, durationMs: undefined, plannedDurationMs: undefined, endsOnNext: false },
    ...{ scte35Cmd: undefined, scte35Out: undefined, scte35In: undefined, attributes: [], ...change },
  });
  const events = (dateRanges: readonly DashMarker[], change: Partial<Manifest> = {}): string =>
    lines(renderMpd({ ...live, renditions: [rendition('720p', 1, pictures(7, 10))], dateRanges, ...change }))
      .split('\n')
      .filter((line) => /Event|Signal|Binary/.test(line))
      .join('\n');

  test('are events of their period, in milliseconds from its beginning, those of a class together', () => {
    const chapter = range('chapter-2', 15_000, {
      class: 'com.example.chapter',
      durationMs: 4000,
      attributes: [{ name: 'TITLE', value: 'A & "B"', isNumber: false }],
    });
    const score = range('goal', 16_500, { endsOnNext: true, attributes: [{ name: 'SCORE', value: '2', isNumber: true }] });
    expect(events([score, chapter, range('long ago', 1000, { durationMs: 2000 })])).toBe(
      [
        '<EventStream schemeIdUri="urn:streams:marker" timescale="1000">',
        '<Event presentationTime="16500" id="376399990">{&quot;id&quot;:&quot;goal&quot;,&quot;endsOnNext&quot;:true,&quot;attributes&quot;:{&quot;SCORE&quot;:2}}</Event>',
        '</EventStream>',
        '<EventStream schemeIdUri="urn:streams:marker" value="com.example.chapter" timescale="1000">',
        '<Event presentationTime="15000" duration="4000" id="2302528525">{&quot;id&quot;:&quot;chapter-2&quot;,&quot;attributes&quot;:{&quot;TITLE&quot;:&quot;A &amp; \\&quot;B\\&quot;&quot;}}</Event>',
        '</EventStream>',
      ].join('\n'),
    );
  });

  test('with SCTE 35 are its sections, out where a break begins and in where it ends', () => {
    const text = events([
      range('break', 15_000, { plannedDurationMs: 30_000, durationMs: 3000, scte35Out: '0xFC30', scte35In: '0xFC3025', scte35Cmd: '0xFC302500' }),
    ]);
    const splices = text.slice(0, text.indexOf('</EventStream>'));
    expect(splices).toContain('<EventStream schemeIdUri="urn:scte:scte35:2014:xml+bin" timescale="1000">');
    expect([...splices.matchAll(/presentationTime="(\d+)"(?: duration="(\d+)")?/g)].map(([, at, length]) => [at, length])).toEqual([
      ['15000', undefined],
      ['15000', '3000'],
      ['18000', undefined],
    ]);
    expect([...splices.matchAll(/<Binary>(.*?)<\/Binary>/g)].map(([, section]) => section)).toEqual(['/DAlAA==', '/DA=', '/DAl']);
    expect(splices).toContain('<Signal xmlns="http://www.scte.org/schemas/35/2016">');
    // Nobody knows yet when it ends.
    expect(events([range('break', 15_000, { scte35Out: '0xFC30', scte35In: '0xFC3025' })]).match(/<Signal/g)).toHaveLength(1);
  });

  test('over a break are told in both periods, the rest of them in the second', () => {
    const text = events([range('talk', 15_000, { durationMs: 60_000 })], { beginnings: [beginning(0), beginning(9, clockMs + 66_000)] });
    expect([...text.matchAll(/presentationTime="(\d+)" duration="(\d+)"/g)].map(([, at, length]) => [at, length])).toEqual([
      ['15000', '60000'],
      ['0', '9000'],
    ]);
  });

  test('behind a pause within a period count from where it would have begun, and are told once', () => {
    const inits = { '720p': 'i' };
    const text = events([range('talk', 15_000, { durationMs: 60_000 }), range('again', 67_000, { durationMs: 500, scte35Out: '0xFC30' })], {
      beginnings: [
        { ...beginning(0), inits },
        { ...beginning(9, clockMs + 66_000), inits },
      ],
      lowLatency: { chunkUs: 500_000, edgeUs: 20_000_000, nowMs: clockMs + 68_500 },
    });
    // The second run begins 18 s into the period.
    expect([...text.matchAll(/presentationTime="(\d+)" duration="(\d+)"/g)].map(([, at, length]) => [at, length])).toEqual([
      ['19000', '500'],
      ['15000', '60000'],
      ['19000', '500'],
    ]);
  });
});

test("periods stand end to end on the stream's own timeline, also one that began late, and never move", () => {
  const beginnings = [beginning(5), beginning(9, clockMs + 99_000), beginning(12)];
  expect(periodSpans(beginnings)).toEqual([
    { first: 5, next: 9, mediaStartUs: 10_000_000, startUs: 0, runs: [beginnings[0]] },
    { first: 9, next: 12, mediaStartUs: 18_000_000, startUs: 8_000_000, runs: [beginnings[1]] },
    { first: 12, next: undefined, mediaStartUs: 24_000_000, startUs: 14_000_000, runs: [beginnings[2]] },
  ]);
  expect(periodSpans(beginnings.slice(0, 2)).map(({ startUs }) => startUs)).toEqual([0, 8_000_000]);
  expect([periodSpans([]), availabilityStartMs([])]).toEqual([[], 0]);
});

describe('XML', () => {
  test.each([
    ['a & b < c > "d"', 'a &amp; b &lt; c &gt; &quot;d&quot;'],
    ['line\nbreak\t.', 'line&#10;break&#9;.'],
    ['nul\u0000 bell\u0007 \ud800 half \ufffe', 'nul\ufffd bell\ufffd \ufffd half \ufffd'],
    ['ü 😀', 'ü 😀'],
  ])('%j in an attribute', (value, text) => expect(attributeText(value)).toBe(text));

  test('elements nest, and what is undefined is left out', () => {
    expect(element('a', { b: 1, c: undefined, d: false }, [element('e', {})])).toBe('<a b="1" d="false"><e/></a>');
  });

  test.each([
    [2, 'PT2S'],
    [0.1 + 0.2, 'PT0.3S'],
    [14_400.000001, 'PT14400.000001S'],
    [0, 'PT0S'],
  ])('%d s are %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

test('whatever names there are, the manifest stays well-formed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const text = renderMpd({ ...live, renditions: [rendition(name, 1, pictures(0, 1))] });
      const [, id = ''] = /<Representation id="([^"]*)" codecs=/.exec(text) ?? [];
      expect(id).toBe(attributeText(name));
      expect(text.replaceAll(/<[^<>]*>/g, '').trim()).toBe('');
    }),
  );
});
