import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  blamedOutputs,
  constantRate,
  encoderArguments,
  encoderKinds,
  encoderName,
  planRenditions,
  ProgressReader,
  scaledSize,
  trialArguments,
  valueOf,
  type AudioRendition,
  type EncoderInput,
  type Ladder,
  type SourceInfo,
  type SourceVideo,
} from './index.ts';

const ladder: Ladder = {
  rungs: [
    { name: '720p', height: 720, videoBitrate: 2_500_000 },
    { name: '480p', height: 480, videoBitrate: 1_200_000 },
    { name: '240p', height: 240, videoBitrate: 400_000 },
  ],
  audioBitrate: 128_000,
};
const picture = (width: number, height: number, frameRate = 30): SourceVideo => ({ codec: 'h264', width, height, frameRate, interlaced: false });
const hd: SourceInfo = { video: picture(1280, 720), audio: { codec: 'aac' } };

const sizes = (source: SourceInfo, established: readonly string[] = [], from = ladder): string[] =>
  planRenditions({ source, ladder: from, established }).map((one) => (one.kind === 'video' ? `${one.name} ${one.width}x${one.height}` : one.name));

describe('ladder', () => {
  test.each<[string, SourceInfo, string[]]>([
    ['a source of the top rung', hd, ['720p 1280x720', '480p 852x480', '240p 426x240', 'audio']],
    ['a greater source', { video: picture(1920, 1080) }, ['720p 1280x720', '480p 852x480', '240p 426x240']],
    ['a smaller source', { video: picture(640, 360) }, ['480p 640x360', '240p 426x240']],
    ['a source just above a rung', { video: picture(864, 486) }, ['480p 852x480', '240p 426x240']],
    ['a tiny source', { video: picture(160, 90) }, ['240p 160x90']],
    ['odd sides', { video: picture(853, 479) }, ['480p 852x478', '240p 426x240']],
    ['an upright picture', { video: picture(1080, 1920) }, ['720p 720x1280', '480p 480x852', '240p 240x426']],
    ['4:3', { video: picture(640, 480) }, ['480p 640x480', '240p 320x240']],
    ['4:3 with more lines than a rung', { video: picture(768, 576) }, ['720p 768x576', '480p 640x480', '240p 320x240']],
    ['4:3 of high definition', { video: picture(1440, 1080) }, ['720p 960x720', '480p 640x480', '240p 320x240']],
    ['an upright 3:4', { video: picture(480, 640) }, ['480p 480x640', '240p 240x320']],
    ['a small upright picture', { video: picture(360, 640) }, ['480p 360x640', '240p 240x426']],
    ['a wide screen', { video: picture(1920, 804) }, ['720p 1718x720', '480p 1146x480', '240p 572x240']],
    ['a line more than the lowest rung', { video: picture(428, 241) }, ['240p 426x240']],
    ['audio alone', { audio: { codec: 'aac' } }, ['audio']],
    ['nothing', {}, []],
  ])('%s', (_what, source, expected) => expect(sizes(source)).toEqual(expected));

  test('a later session makes the renditions that the stream has, in the size it can', () => {
    expect(sizes({ video: picture(640, 360) }, ['720p', '240p'])).toEqual(['720p 640x360', '240p 426x240']);
  });

  test('rungs of two codecs are two ladders; what every player knows comes first', () => {
    const hevc = ladder.rungs.map((rung) => ({ ...rung, name: `${rung.name}-hevc`, codec: 'hevc' as const }));
    const planned = planRenditions({ source: { video: picture(864, 486) }, ladder: { ...ladder, rungs: [...hevc, ...ladder.rungs] }, established: [] });
    expect(planned.map(({ name, codecs }) => `${name} ${codecs}`)).toEqual([
      '480p avc1.64001f',
      '480p-hevc hvc1.1.6.L90.90',
      '240p avc1.640015',
      '240p-hevc hvc1.1.6.L63.90',
    ]);
  });

  test('no ladder: one rendition in the size of the source', () => {
    expect(sizes(hd, [], { rungs: [], audioBitrate: 96_000 })).toEqual(['source 1280x720', 'audio']);
  });

  test('what is announced: codec strings by level, peak bandwidth, rate', () => {
    expect(planRenditions({ source: { ...hd, video: picture(1920, 1080, 59.94) }, ladder, established: [] })).toMatchObject([
      { codecs: 'avc1.640020', bandwidth: 3_500_000, frameRate: { numerator: 60_000, denominator: 1001 } },
      { codecs: 'avc1.64001f' },
      { codecs: 'avc1.64001e' },
      { codecs: 'mp4a.40.2', bandwidth: 147_200, channels: 2, sampleRate: 48_000 },
    ]);
  });

  test('a rung called audio does not collide with the sound', () => {
    expect(sizes(hd, [], { ...ladder, rungs: [{ name: 'audio', height: 240, videoBitrate: 400_000 }] })).toEqual(['audio 426x240', 'audio-0']);
  });

  test('whatever the source, no two rungs have almost the same size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 32, max: 4096 }), fc.integer({ min: 32, max: 4096 }), (width, height) => {
        const planned = planRenditions({ source: { video: picture(width, height) }, ladder, established: [] });
        const lines = planned.flatMap((one) => (one.kind === 'video' ? [Math.min(one.width, one.height)] : []));
        for (const [at, below] of lines.slice(1).entries()) expect(lines[at] as number).toBeGreaterThan(below * 1.09);
      }),
    );
  });

  test('whatever the source, nothing grows, sides are even and the aspect stays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 32, max: 4096 }), fc.integer({ min: 32, max: 4096 }), fc.integer({ min: 16, max: 4320 }), (width, height, lines) => {
        const size = scaledSize({ width, height }, lines);
        expect([size.width % 2, size.height % 2]).toEqual([0, 0]);
        expect(size.width <= Math.max(width, 16) && size.height <= Math.max(height, 16)).toBe(true);
        expect(Math.min(size.width, size.height)).toBeLessThanOrEqual(Math.max(16, lines));
        const exact = (size.height * width) / height;
        if (Math.min(size.width, size.height) > 16) expect(Math.abs(size.width - exact)).toBeLessThanOrEqual(2 + (2 * width) / height);
      }),
    );
  });
});

test.each([
  [29.97, 30_000 / 1001],
  [30, 30],
  [30.0001, 30],
  [23.976, 24_000 / 1001],
  [14.9, 15],
  [1, 5],
  [119.88, 60_000 / 1001],
  [120, 60],
  [144, 48],
  [0, 30],
  [Number.NaN, 30],
  [100_000, 30],
])('a claimed rate of %d becomes %d', (claimed, rate) => expect(valueOf(constantRate(claimed))).toBeCloseTo(rate, 6));

function input(source: SourceInfo, change: Partial<EncoderInput> = {}): EncoderInput {
  const renditions = planRenditions({ source, ladder: { ...ladder, rungs: ladder.rungs.slice(1) }, established: [] });
  return { source, renditions, preset: 'veryfast', segmentDurationUs: 2_000_000, videoStartUs: 0, audioStartUs: 0, gridPhaseUs: 0, ...change };
}

/** Options that come in pairs, one line each: the form in which a change of the argv is reviewed. */
function lines(argv: readonly string[]): string {
  return argv.join(' ').replaceAll(/ (?=-(?:filter_complex|map|c:v|b:v|bf|force_key_frames|x264-params|threads|map_metadata|c:a|f|i) )/g, '\n');
}

describe('argv', () => {
  test('two rungs and audio, resumed in the middle of a segment', () => {
    const plan = encoderArguments(input(hd, { videoStartUs: 1_367_000, audioStartUs: 1_372_333, gridPhaseUs: 1_300_000 }));
    expect(plan.outputs).toEqual([
      { rendition: '480p', fd: 3, primingTicks: 0 },
      { rendition: '240p', fd: 4, primingTicks: 0 },
      { rendition: 'audio', fd: 5, primingTicks: 1024 },
    ]);
    expect(lines(plan.argv))
      .toBe(`-hide_banner -nostdin -loglevel level+warning -nostats -progress pipe:1 -stats_period 1 -fflags +bitexact -probesize 500000 -analyzeduration 200000 -fpsprobesize 0 -max_error_rate 1
-threads 2 -copyts -protocol_whitelist pipe
-f flv
-i pipe:0
-filter_complex [0:v:0]fps=fps=30:start_time=1.367000:round=near,setpts=N,split=2[s0][s1];[s0]scale=852:480:flags=bicubic,format=yuv420p[v0];[s1]scale=426:240:flags=bicubic,format=yuv420p[v1];[0:a:0]aresample=48000,atrim=start=1.372333,aresample=48000:async=1:min_hard_comp=0.02:first_pts=65872,asetpts=N/SR/TB,aformat=sample_fmts=fltp:channel_layouts=stereo[a0]
-map [v0]
-c:v libx264
-b:v 1200000 -maxrate 1320000 -bufsize 600000
-bf 0 -g 120 -preset veryfast -profile:v high -level:v 3.1 -pix_fmt yuv420p -sc_threshold 0 -forced-idr 1
-x264-params open-gop=0:8x8dct=1:cabac=1:rc-lookahead=5:sync-lookahead=0:sliced-threads=0
-threads 2
-force_key_frames expr:gte(t+0.0005,n_forced*2.000000-1.300000) -flags:v +cgop+bitexact -video_track_timescale 90000
-map_metadata -1 -fflags +bitexact -flush_packets 1 -movflags +frag_keyframe+empty_moov+default_base_moof+cmaf -frag_duration 499000
-f mp4 pipe:3
-map [v1]
-c:v libx264
-b:v 400000 -maxrate 440000 -bufsize 200000
-bf 0 -g 120 -preset veryfast -profile:v high -level:v 2.1 -pix_fmt yuv420p -sc_threshold 0 -forced-idr 1
-x264-params open-gop=0:8x8dct=1:cabac=1:rc-lookahead=5:sync-lookahead=0:sliced-threads=0
-threads 2
-force_key_frames expr:gte(t+0.0005,n_forced*2.000000-1.300000) -flags:v +cgop+bitexact -video_track_timescale 90000
-map_metadata -1 -fflags +bitexact -flush_packets 1 -movflags +frag_keyframe+empty_moov+default_base_moof+cmaf -frag_duration 499000
-f mp4 pipe:4
-map [a0]
-c:a aac -b:a 128000 -ar 48000 -ac 2 -flags:a +bitexact
-map_metadata -1 -fflags +bitexact -flush_packets 1 -movflags +empty_moov+default_base_moof+cmaf -frag_duration 100000
-f mp4 pipe:5`);
  });

  const graph = (source: SourceInfo): string => {
    const { argv } = encoderArguments(input(source));
    return argv[argv.indexOf('-filter_complex') + 1] as string;
  };

  test('further sounds are read from Matroska, each by a graph of its own and from where it begins', () => {
    const made = input(hd, { audioStartUs: 1_000_000, soundStartUs: { 'audio-1': 1_500_000 } });
    const [first] = made.renditions.filter((one) => one.kind === 'audio');
    const { argv, outputs } = encoderArguments({ ...made, renditions: [...made.renditions, { ...(first as AudioRendition), name: 'audio-1', input: 1 }] });
    const graphs = argv.flatMap((one, at) => (argv[at - 1] === '-filter_complex' ? [one] : []));
    expect(graphs).toHaveLength(2);
    expect(graphs[0]).toContain('[0:a:0]aresample=48000,atrim=start=1.000000');
    expect(graphs[1]).toMatch(/^\[0:a:1\]aresample=48000,atrim=start=1\.500000,aresample=48000:async=1:min_hard_comp=0\.02:first_pts=72000,.*\[a1\]$/);
    expect(argv.join(' ')).toContain('-f matroska -i pipe:0');
    expect(outputs.slice(-2).map(({ rendition, primingTicks }) => [rendition, primingTicks])).toEqual([
      ['audio', 1024],
      ['audio-1', 1024],
    ]);
    for (const at of [0, 1]) expect(argv.join(' ')).toContain(`-map [a${at}] -c:a aac`);
  });

  test('audio alone has no picture', () => {
    const plan = encoderArguments(input({ audio: { codec: 'aac' } }));
    expect(plan.outputs).toEqual([{ rendition: 'audio', fd: 3, primingTicks: 1024 }]);
    expect(plan.argv.join(' ')).not.toMatch(/0:v|libx264/);
  });

  test('video alone has no sound', () => {
    expect(encoderArguments(input({ video: hd.video })).argv.join(' ')).not.toMatch(/0:a|aac/);
  });

  test('one rung needs no split', () => expect(graph({ video: picture(320, 180) })).toContain('setpts=N[s0];[s0]scale=320:180'));

  test('29.97 stays a fraction and its group of pictures reaches over the grid', () => {
    const { argv } = encoderArguments(input({ video: picture(1280, 720, 29.97) }));
    expect(argv.join(' ')).toMatch(/fps=fps=30000\/1001:.* -g 120 /);
  });

  test('an interlaced source is deinterlaced', () => {
    expect(graph({ video: { ...picture(720, 576), interlaced: true } })).toMatch(/^\[0:v:0\]yadif=deint=interlaced,fps=/);
  });
});

describe('hardware', () => {
  /** The part of one rung that its encoder decides, of a run of which this kind encodes the larger one. */
  const partsOf = (kind: (typeof encoderKinds)[number]): readonly string[] => {
    const { argv } = encoderArguments(input({ video: hd.video }, { encoders: { '480p': kind }, vaapiDevice: '/dev/dri/renderD129', preset: 'fast' }));
    const text = argv.join(' ');
    return [
      /-stats_period 1 (.*?) ?-fflags/.exec(text)?.[1] ?? '',
      /\[s0\](scale.*?)\[v0\];\[s1\]scale=426:240:flags=bicubic,format=yuv420p\[v1\]/.exec(text)?.[1] ?? '',
      /-map \[v0\] (.*?) -force_key_frames.* -map \[v1\] -c:v libx264 /.exec(text)?.[1] ?? '',
    ];
  };
  const rate = '-b:v 1200000 -maxrate 1320000 -bufsize 600000 -bf 0 -g 120';

  test.each<[(typeof encoderKinds)[number], ...string[]]>([
    [
      'nvenc',
      '',
      'scale=852:480:flags=bicubic,format=yuv420p',
      `-c:v h264_nvenc ${rate} -preset p4 -tune ll -rc vbr -profile:v high -level:v 3.1 -rc-lookahead 0 -no-scenecut 1 -forced-idr 1 -strict_gop 1 -zerolatency 1 -delay 0 -coder cabac`,
    ],
    [
      'qsv',
      '',
      'scale=852:480:flags=bicubic,format=nv12',
      `-c:v h264_qsv ${rate} -preset fast -profile:v high -level:v 31 -async_depth 1 -forced_idr 1 -idr_interval 0 -look_ahead 0 -adaptive_i 0 -adaptive_b 0`,
    ],
    [
      'amf',
      '',
      'scale=852:480:flags=bicubic,format=nv12',
      `-c:v h264_amf ${rate} -usage lowlatency -quality balanced -rc vbr_latency -profile:v high -level:v 3.1 -forced_idr 1 -coder cabac`,
    ],
    [
      'vaapi',
      '-init_hw_device vaapi=gpu:/dev/dri/renderD129 -filter_hw_device gpu',
      'scale=852:480:flags=bicubic,format=nv12,hwupload',
      `-c:v h264_vaapi ${rate} -rc_mode VBR -profile:v high -level:v 3.1 -async_depth 1 -idr_interval 0 -coder cabac`,
    ],
  ])('%s: device, upload and options, as its maker and ffmpeg document them', (kind, ...parts) => expect(partsOf(kind)).toEqual(parts));

  const hevcRate = '-tag:v hvc1 -b:v 500000 -maxrate 550000 -bufsize 250000 -bf 0 -g 120';
  test.each<[(typeof encoderKinds)[number], string]>([
    [
      'software',
      `-c:v libx265 ${hevcRate} -preset veryfast -profile:v main -pix_fmt yuv420p -forced-idr 1 -x265-params log-level=warning:level-idc=30:open-gop=0:scenecut=0:rc-lookahead=5:frame-threads=1:pools=2`,
    ],
    [
      'nvenc',
      `-c:v hevc_nvenc ${hevcRate} -preset p3 -tune ll -rc vbr -profile:v main -tier main -level:v 3.0 -rc-lookahead 0 -no-scenecut 1 -forced-idr 1 -strict_gop 1 -zerolatency 1 -delay 0`,
    ],
    ['qsv', `-c:v hevc_qsv ${hevcRate} -preset veryfast -profile:v main -level:v 30 -async_depth 1 -forced_idr 1 -idr_interval 0`],
    ['amf', `-c:v hevc_amf ${hevcRate} -usage lowlatency -quality speed -rc vbr_latency -profile:v main -profile_tier main -level:v 3.0 -forced_idr 1`],
    ['vaapi', `-c:v hevc_vaapi ${hevcRate} -rc_mode VBR -profile:v main -tier main -level:v 3.0 -async_depth 1 -idr_interval 0`],
  ])('%s encodes H.265', (kind, options) => {
    expect(trialArguments(kind, 'hevc', '/dev/dri/renderD129').join(' ')).toContain(` ${options} -force_key_frames `);
  });

  test.each(encoderKinds)('%s is tried with the options that it will be used with', (kind) => {
    const argv = trialArguments(kind, 'h264', '/dev/dri/renderD129').join(' ');
    expect(argv).toContain(` -c:v ${encoderName(kind, 'h264')} -b:v 500000 `);
    expect(argv.includes('/dev/dri/renderD129')).toBe(kind === 'vaapi');
  });

  test.each<[string, string[], number[]]>([
    [
      'ffmpeg 5',
      [
        '[h264_nvenc @ 0x5563] OpenEncodeSessionEx failed: out of memory (10)',
        'Error initializing output stream 2:0 -- Error while opening encoder for output stream #2:0 - maybe incorrect parameters such as bit_rate, rate, width or height',
      ],
      [2],
    ],
    ['ffmpeg 7', ['[vost#1:0/h264_nvenc @ 0x6481] Error while opening encoder - maybe incorrect parameters such as bit_rate, rate, width or height.'], [1]],
    ['something else', ['[flv @ 0x1] Packet mismatch 0 100 12'], []],
  ])('%s tells whose encoder did not open', (_what, lastLines, blamed) => expect(blamedOutputs(lastLines)).toEqual(blamed));
});

describe('progress', () => {
  test('reports come out whole from any chunking', () => {
    const text =
      'frame=47\nfps=0.00\nout_time_us=1322667\ndup_frames=2\ndrop_frames=1\nspeed=1.99x\nprogress=continue\nout_time_us=N/A\nspeed=N/A\nprogress=end\n';
    for (const size of [1, 5, text.length]) {
      const reader = new ProgressReader();
      const reports = Array.from({ length: Math.ceil(text.length / size) }, (_, n) => reader.push(text.slice(n * size, (n + 1) * size))).flat();
      expect(reports).toEqual([
        { outTimeUs: 1_322_667, speed: 1.99, droppedFrames: 1, repeatedFrames: 2 },
        { outTimeUs: 0, speed: 0, droppedFrames: 0, repeatedFrames: 0 },
      ]);
    }
  });

  test('an endless line and endless keys are bounded', () => {
    const reader = new ProgressReader();
    for (let n = 0; n < 100; n++) reader.push('x'.repeat(1000));
    for (let n = 0; n < 1000; n++) reader.push(`\nk${n}=1`);
    expect(reader.push('\nprogress=continue\n')).toHaveLength(1);
  });
});
