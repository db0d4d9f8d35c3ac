import { decodeMetadata, encodeAmf0, encodeAmf0Script, type AmfObject, type AmfValue } from '#core/flv';
import { describe, expect, test } from '@jest/globals';
import { aacConfig, aacFrame, avcConfig, Client, keyFrame } from './testing/session-client.ts';
import { encodeCommand } from './command.codec.ts';
import { encodeSetDataFrame } from './data-message.codec.ts';
import { messageType } from './rtmp.constants.ts';
import { serverSessionLimits } from './session.types.ts';
import { decodeUserControl, encodeUserControl } from './user-control.codec.ts';
import { encodeWindowAcknowledgementSize } from './window-acknowledgement-size.codec.ts';

describe('the session of OBS, as librtmp speaks', () => {
  test('releaseStream, FCPublish, createStream and publish each get their answer', () => {
    const client = new Client().shakeHands();
    client.command('connect', 1, {
      app: 'live/',
      type: 'nonprivate',
      flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)',
      swfUrl: 'rtmp://h/live',
      tcUrl: 'rtmp://h/live',
    });
    expect(client.replies().map((reply) => reply.type)).toEqual([5, 6, 1, 20]);
    client.command('releaseStream', 2, null, 'key').command('FCPublish', 3, null, 'key').command('createStream', 4, null);
    expect(client.commands()).toEqual(['_result', 'onFCPublish NetStream.Publish.Start', '_result', '_result']);
    client.command('publish', 5, null, 'key', 'live');
    expect(client.effects).toEqual([{ kind: 'publish', path: { app: 'live', key: 'key' }, type: 'live', encoder: 'FMLE/3.0 (compatible; FMSc/1.0)' }]);
    expect(client.commands()).toEqual([]);
    client.step({ kind: 'publish-accepted' });
    expect(client.commands()).toEqual(['onStatus NetStream.Publish.Start']);
  });

  test.each(['live', 'record', 'append'])('publish of type %s is taken', (type) => {
    const client = new Client().shakeHands().command('connect', 1, { app: 'live' }).command('publish', 2, null, 'key', type);
    expect(client.effects.at(-1)).toMatchObject({ kind: 'publish', type });
  });

  test('all answers of a step are one write', () => {
    const client = new Client().shakeHands();
    client.replies();
    client.command('connect', 1, { app: 'live' });
    expect(client.kinds()).toEqual(['send']);
  });

  test('media, metadata, then FCUnpublish and deleteStream', () => {
    const client = new Client().publish();
    client
      .send(messageType.dataAmf0, encodeSetDataFrame('onMetaData', { width: 1920 }))
      .send(9, avcConfig)
      .send(8, aacConfig)
      .send(9, keyFrame, 40)
      .send(8, aacFrame, 40);
    client.replies();
    expect(client.kinds()).toEqual(['publish', 'metadata', 'media sequence-header', 'media sequence-header', 'media frames', 'media frames']);
    client.command('FCUnpublish', 6, null, 'key').command('deleteStream', 7, null, 1);
    expect(client.commands()).toEqual(['onFCUnpublish NetStream.Unpublish.Success', '_result', 'onStatus NetStream.Unpublish.Success']);
    expect(client.kinds().slice(-2)).toEqual(['unpublish', 'close']);
    expect(client.closedWith()).toBe('clean');
  });

  test('commands and data in AMF 3 wrapping', () => {
    const client = new Client().shakeHands();
    const wrap = (name: string, ...rest: readonly AmfValue[]): Uint8Array =>
      Uint8Array.of(0, ...encodeCommand({ name, transactionId: 1, object: { app: 'live', objectEncoding: 3 }, arguments: rest }));
    client.send(messageType.commandAmf3, wrap('connect')).send(messageType.commandAmf3, wrap('publish', 'key'));
    const result = client.replies().find((reply) => reply.values[0] === '_result');
    expect(result?.values[3]).toMatchObject({ objectEncoding: 3 });
    client.step({ kind: 'publish-accepted' });
    client.send(messageType.dataAmf3, Uint8Array.of(0, ...encodeSetDataFrame('onMetaData', { width: 1 })));
    expect(client.kinds()).toContain('metadata');
  });

  test('a ping is answered with its time; unknown commands and types are passed over', () => {
    const client = new Client().publish();
    client.replies();
    client.send(messageType.userControl, encodeUserControl('ping-request', 77)).command('_checkbw', 9, null).send(99, Uint8Array.of(1, 2));
    expect(client.replies().map((reply) => decodeUserControl(reply.payload))).toEqual([{ event: 'ping-response', values: [77] }]);
  });

  test('empty audio is a keep-alive, data that is not metadata is passed over', () => {
    const client = new Client().publish();
    client.send(8, new Uint8Array(0)).send(messageType.dataAmf0, encodeSetDataFrame('onStatistics', {}));
    client.replies();
    expect(client.kinds()).toEqual(['publish']);
  });

  test('a cue is handed on with its place, in AMF 0 and 3, wrapped or not, and even when it cannot be read', () => {
    const client = new Client().publish();
    const broken = Uint8Array.of(...encodeAmf0('onCuePoint'), 3, 0, 200);
    const amf3 = Buffer.from(`00110615${Buffer.from('onCuePoint').toString('hex')}`, 'hex');
    client.send(9, avcConfig).send(9, keyFrame, 5000);
    client.send(messageType.dataAmf0, encodeSetDataFrame('onTextData', { text: 'hi' }), 5040).send(messageType.dataAmf0, broken, 5080);
    client.send(messageType.dataAmf3, amf3, 4_000_000_000);
    const cues = client.effects.flatMap((effect) => (effect.kind === 'cue' ? [[effect.timestampMs, Buffer.from(effect.body).toString('hex')]] : []));
    expect(cues).toEqual([
      [40, Buffer.from(encodeAmf0Script('onTextData', { text: 'hi' })).toString('hex')],
      [80, Buffer.from(broken).toString('hex')],
      [0, amf3.subarray(1).toString('hex')],
    ]);
    expect(client.closedWith()).toBeUndefined();
  });

  test('bytes are acknowledged window by window', () => {
    const client = new Client().publish();
    client.send(messageType.windowAcknowledgementSize, encodeWindowAcknowledgementSize(100_000));
    client.replies();
    for (let i = 0; i < 3; i++) client.send(9, Uint8Array.of(0x27, 1, ...new Uint8Array(60_000)));
    expect(client.replies().filter((reply) => reply.type === messageType.acknowledgement)).toHaveLength(1);
  });
});

describe('Enhanced RTMP', () => {
  const fourCc = (name: string): number[] => [...Buffer.from(name)];
  const hevcConfig = Buffer.from(
    '0101600000009000000000003cf000fcfdf8f800000f04200001001840010c01ffff01600000030090000003000003003c959809210001002b42010101600000030090000003000003003ca00d880f1c9e5959a4932bc05a02000003000200000300321022000100074401c172b46240',
    'hex',
  );
  const bodies = (client: Client): string[] =>
    client.effects.flatMap((effect) =>
      effect.kind === 'media' ? [`${effect.timestampMs} ${Buffer.from(effect.tag.copyBody().subarray(0, 9)).toString('hex')}`] : [],
    );

  test('is spoken to a client that speaks it, and to no other', () => {
    const answer = (connect: AmfObject): AmfObject => {
      const client = new Client().shakeHands().command('connect', 1, { app: 'live', ...connect });
      return client.replies().find((reply) => reply.values[0] === '_result')?.values[3] as AmfObject;
    };
    for (const connect of [{ fourCcList: ['hvc1'] }, { capsEx: 1 }, { videoFourCcInfoMap: { '*': 4 } }]) {
      expect(answer(connect)).toMatchObject({
        code: 'NetConnection.Connect.Success',
        capsEx: 15,
        videoFourCcInfoMap: { hvc1: 5 },
        audioFourCcInfoMap: { Opus: 5 },
      });
      expect(answer(connect)['fourCcList']).toEqual(['avc1', 'hvc1', 'av01', 'vp09', 'mp4a', 'Opus', '.mp3', 'fLaC']);
    }
    for (const connect of [{}, { fourCcList: null }]) expect(answer(connect)).not.toHaveProperty('capsEx');
  });

  test('HEVC, Opus and an H.264 track among several come in one shape', () => {
    const client = new Client().publish();
    client.writer.setChunkBytes(65_536);
    client.send(1, Uint8Array.of(0, 1, 0, 0));
    client.send(9, Uint8Array.of(0x90, ...fourCc('hvc1'), ...hevcConfig)).send(9, Uint8Array.of(0x93, ...fourCc('hvc1'), 7), 40);
    client.send(9, Uint8Array.of(0xa7, 2, 0x0a, 0, 0, 3, ...fourCc('hvc1'), 8), 80);
    client.send(8, Uint8Array.of(0x91, ...fourCc('Opus'), 9), 40);
    client.send(9, Uint8Array.of(0x96, 0x11, ...fourCc('avc1'), 0, 0, 0, 4, 0, 0, 0, 5, 1, 0, 0, 1, 6), 120);
    expect(bodies(client)).toEqual([
      `0 9068766331${hevcConfig.subarray(0, 4).toString('hex')}`,
      '0 936876633107',
      '41 a36876633108',
      // Opus without a head of its own gets one, so that readers need not wait.
      '41 904f7075734f707573',
      '0 914f70757309',
      '80 1701000000' + '05',
    ]);
    expect(client.session.counts.otherTracks).toBe(1);
    for (const effect of client.effects) if (effect.kind === 'media') effect.tag.release();
    client.step({ kind: 'end', status: { level: 'status', code: 'x', description: '' } });
    expect(client.pool.held).toBe(0);
  });

  test('what FFmpeg 8 opens an AV1 stream with is taken: an empty start, colours, channels', () => {
    const client = new Client().publish();
    const send = (type: number, text: string): Client => client.send(type, Buffer.from(text, 'hex'));
    send(9, '9061763031');
    send(8, '904f7075734f707573486561640101380180bb0000000000');
    send(8, '944f707573010100000004');
    send(9, '9061763031812400000a0e20000024cfa70dbfff3404340080');
    send(9, 'd461763031020009636f6c6f72496e666f03000b636f6c6f72436f6e6669670300126d6174726978436f656666696369656e7473000000000000000000000009000009');
    send(9, '916176303112000a0e2000');
    expect(client.closedWith()).toBeUndefined();
    expect(client.kinds().filter((kind) => kind.startsWith('media'))).toEqual([
      'media sequence-header',
      'media other',
      'media sequence-header',
      'media frames',
    ]);
  });

  test('MP3 in the classic head gets a configuration that says so', () => {
    const client = new Client().publish().send(8, Uint8Array.of(0x2f, 0xff, 0xfb));
    expect(bodies(client)).toEqual(['0 902e6d7033', '0 2ffffb']);
  });

  test('a publisher that can is asked to reconnect, and goes on until it does', () => {
    const connected = (connect: AmfObject): Client =>
      new Client()
        .shakeHands()
        .command('connect', 1, { app: 'live', ...connect })
        .command('createStream', 2, null)
        .command('publish', 3, null, 'key')
        .accept();
    const can = connected({ capsEx: 1 });
    can.replies();
    expect(can.session.canReconnect).toBe(true);
    can.step({ kind: 'ask-reconnect', description: 'An update.' });
    expect(can.replies().map((reply) => reply.values)).toEqual([
      ['onStatus', 0, null, expect.objectContaining({ level: 'status', code: 'NetConnection.Connect.ReconnectRequest', description: 'An update.' })],
    ]);
    can.send(9, avcConfig).send(9, keyFrame, 40);
    expect(can.kinds()).toContain('media frames');
    const cannot = connected({ capsEx: 2 });
    cannot.replies();
    cannot.step({ kind: 'ask-reconnect', description: 'An update.' });
    expect([cannot.session.canReconnect, cannot.replies()]).toEqual([false, []]);
  });

  test('commands and metadata in AMF 3 values', () => {
    const client = new Client().shakeHands();
    const object = '110a0b01' + '07617070' + '06096c697665' + '1d6f626a656374456e636f64696e67' + '0403' + '01';
    const connect = Buffer.from(`00020007636f6e6e656374003ff0000000000000${object}`, 'hex');
    client.send(messageType.commandAmf3, connect).command('publish', 3, null, 'key').accept();
    expect(client.kinds()).toEqual(expect.arrayContaining(['publish']));
    const metadata =
      `0011061b${Buffer.from('@setDataFrame').toString('hex')}` + `110615${Buffer.from('onMetaData').toString('hex')}` + '110a0b010b7769647468048a0001';
    client.send(messageType.dataAmf3, Buffer.from(metadata, 'hex'));
    const told = client.effects.find((effect) => effect.kind === 'metadata');
    expect(told?.kind === 'metadata' && decodeMetadata(told.body)).toEqual({ width: 1280 });
  });
});

describe('decoder configurations', () => {
  const smaller = Buffer.from('17000000000142c015ffe100166742c015da06c7f93c04400000fa40003a9803c58ba801000468ce0fc8', 'hex');

  test('frames before the first one are passed over and counted; repeated and changed ones are told apart', () => {
    const client = new Client().publish().send(9, keyFrame, 0).send(8, aacFrame, 10).send(9, avcConfig).send(9, keyFrame, 40);
    client.send(9, avcConfig).send(9, smaller).send(9, keyFrame, 80).send(8, aacConfig).send(8, aacFrame, 90);
    const media = client.effects.flatMap((effect) => (effect.kind === 'media' ? [`${effect.type} ${effect.packet} ${effect.timestampMs}`] : []));
    expect(media).toEqual([
      '9 sequence-header 10',
      '9 frames 40',
      '9 sequence-header 40',
      '9 sequence-header 40',
      '9 frames 80',
      '8 sequence-header 80',
      '8 frames 90',
    ]);
    expect(client.session.counts).toMatchObject({ unconfigured: 2, repeatedConfigs: 1, changedConfigs: 1 });
  });

  test('a publisher whose times stand still is told so after five seconds', () => {
    const client = new Client().publish().send(9, avcConfig);
    for (; client.now < 6000 && client.closedWith() === undefined; client.now += 40) client.send(9, keyFrame, 5);
    expect([client.closedWith(), client.now]).toEqual(['RTMP_CLOCK_STILL', 5040]);
  });

  test('a publisher that never sends one is told so after ten seconds', () => {
    const client = new Client().publish();
    for (let ms = 0; ms <= 11_000; ms += 500) client.send(9, keyFrame, ms);
    expect(client.closedWith()).toBe('RTMP_CONFIG_MISSING');
    expect(client.replies().at(-1)?.values[3]).toMatchObject({
      code: 'NetStream.Publish.Failed',
      description: 'The video came for 10 s without its decoder configuration (sequence header).',
    });
    expect(client.pool.held).toBe(0);
  });
});

describe('refusals that an encoder can show', () => {
  test('of a publisher', () => {
    const client = new Client().shakeHands().command('connect', 1, { app: 'live' }).command('publish', 3, null, 'key');
    client.replies();
    client.step({ kind: 'publish-refused', description: 'The stream key does not match.' });
    const [status] = client.replies();
    expect(status?.values[3]).toMatchObject({ level: 'error', code: 'NetStream.Publish.BadName', description: 'The stream key does not match.' });
    expect(client.closedWith()).toBe('RTMP_PUBLISH_REFUSED');
  });

  test('of an application', () => {
    const client = new Client().shakeHands().command('connect', 1, { app: 'show/x' });
    expect(client.commands()).toEqual(['_error NetConnection.Connect.Rejected']);
    expect(client.closedWith()).toBe('RTMP_APP_UNKNOWN');
  });

  test.each([
    ['VVC', 9, [0x90, 0x76, 0x76, 0x63, 0x31, 1], 'The video codec vvc1 is not supported: send H.264, HEVC, AV1 or VP9'],
    ['Sorenson', 9, [0x12, 0], 'The video codec sorenson-h263 is not supported'],
    ['Speex', 8, [0xb2, 1], 'The audio codec speex is not supported'],
    ['AC-3', 8, [0x90, 0x61, 0x63, 0x2d, 0x33, 1], 'The audio codec ac-3 is not supported'],
    ['one with the name of a method', 8, [0x90, 0x74, 0x6f, 0x53, 0x74, 1], 'The audio codec toSt is not supported'],
  ])('of a codec: %s', (_name, type, body, message) => {
    const client = new Client().publish();
    client.replies();
    client.send(type, Uint8Array.from(body));
    const [status] = client.replies();
    expect(status?.values[3]).toMatchObject({ level: 'error', code: 'NetStream.Publish.Rejected', description: expect.stringContaining(message) });
    expect(client.closedWith()).toBe('RTMP_CODEC_UNSUPPORTED');
  });

  test.each([
    ['AVC', 9, Uint8Array.of(0x17, 0, 0, 0, 0, 1, 2, 3), 'AVC_CONFIG_INVALID'],
    ['AAC', 8, Uint8Array.of(0xaf, 0), 'AAC_CONFIG_INVALID'],
    ['HEVC', 9, Uint8Array.of(0x90, 0x68, 0x76, 0x63, 0x31, 1, 2, 3), 'HEVC_CONFIG_INVALID'],
    ['extended head', 9, Uint8Array.of(0x96, 0x31, 0x68), 'ENHANCED_HEADER_INVALID'],
    ['metadata', 9, Uint8Array.of(0x94, 0x68, 0x76, 0x63, 0x31, 0xff), 'AMF_INVALID'],
    ['AVC of 20 KB', 9, Uint8Array.of(0x17, 0, 0, 0, 0, ...new Uint8Array(20_000)), 'RTMP_MESSAGE_TOO_LARGE'],
  ])('of a broken %s', (_name, type, body, code) => {
    const client = new Client().publish();
    client.writer.setChunkBytes(65_536);
    client.send(1, Uint8Array.of(0, 1, 0, 0)).send(type, body);
    expect(client.closedWith()).toBe(code);
    expect(client.pool.held).toBe(0);
  });

  test('of a player', () => {
    const client = new Client().shakeHands().command('connect', 1, { app: 'live' }).command('createStream', 2, null).command('play', 3, null, 'key');
    expect(client.closedWith()).toBe('RTMP_PLAY_REFUSED');
  });

  test.each([
    ['a command before connect', (client: Client) => client.command('createStream', 1, null), 'RTMP_MESSAGE_INVALID'],
    ['connect twice', (client: Client) => client.command('connect', 1, { app: 'live' }).command('connect', 2, { app: 'live' }), 'RTMP_MESSAGE_INVALID'],
    ['publish without a name', (client: Client) => client.command('connect', 1, { app: 'live' }).command('publish', 2, null), 'RTMP_MESSAGE_INVALID'],
    [
      'publish twice',
      (client: Client) => client.command('connect', 1, { app: 'live' }).command('publish', 2, null, 'key').accept().command('publish', 3, null, 'key'),
      'RTMP_MESSAGE_INVALID',
    ],
    ['what is not AMF', (client: Client) => client.send(20, Uint8Array.of(0xff)), 'AMF_INVALID'],
  ])('of %s', (_name, speak, code) => {
    const client = new Client().shakeHands();
    speak(client);
    expect(client.closedWith()).toBe(code);
  });
});

describe('a peer that is none', () => {
  test.each([
    ['HTTP', 'GET / HTTP/1.1\r\n'],
    ['TLS', '\x16\x03\x01\x02'],
    ['encrypted RTMP', '\x06'],
  ])('%s is refused at its first byte, without an answer', (_name, text) => {
    const client = new Client();
    client.step({ kind: 'bytes', bytes: new TextEncoder().encode(text) });
    expect(client.closedWith()).toBe('RTMP_HANDSHAKE_INVALID');
    expect(client.kinds()).toEqual(['close']);
  });

  test('after the close nothing more happens', () => {
    const client = new Client();
    client.step({ kind: 'bytes', bytes: Uint8Array.of(1) });
    expect(client.session.step({ kind: 'bytes', bytes: Uint8Array.of(3) }, 0)).toEqual([]);
    expect(client.session.nextDeadline()).toBeUndefined();
  });
});

describe('deadlines', () => {
  function tickAt(client: Client, now: number): string | undefined {
    client.now = now;
    client.step({ kind: 'tick' });
    return client.closedWith();
  }

  test('for the handshake, however slowly its bytes drip in', () => {
    const client = new Client();
    client.now = 4000;
    client.step({ kind: 'bytes', bytes: Uint8Array.of(3) });
    expect(client.session.nextDeadline()).toBe(serverSessionLimits.handshakeMs);
    expect(tickAt(client, 4999)).toBeUndefined();
    expect(tickAt(client, 5000)).toBe('RTMP_HANDSHAKE_TIMEOUT');
  });

  test('for a publish', () => {
    const client = new Client().shakeHands().command('connect', 1, { app: 'live' });
    expect(tickAt(client, 14_999)).toBeUndefined();
    expect(tickAt(client, 15_000)).toBe('RTMP_PUBLISH_TIMEOUT');
  });

  test('none while the decision is awaited', () => {
    const client = new Client().shakeHands().command('connect', 1, { app: 'live' }).command('publish', 2, null, 'key');
    expect(client.session.nextDeadline()).toBeUndefined();
  });

  test('for a publisher without a byte', () => {
    const client = new Client().publish();
    client.now = 3000;
    client.send(9, keyFrame, 3000);
    expect(client.session.nextDeadline()).toBe(13_000);
    expect(tickAt(client, 13_000)).toBe('RTMP_STALLED');
  });

  test('for a publisher whose media runs at less than half of real time, pings or not', () => {
    const client = new Client().publish();
    for (let second = 1; second <= 20; second++) {
      client.now = second * 1000;
      client.send(9, keyFrame, second * 450).send(messageType.userControl, encodeUserControl('ping-request', 1));
    }
    expect(tickAt(client, 20_000)).toBe('RTMP_TOO_SLOW');
    expect(client.replies().at(-1)?.values[3]).toMatchObject({ level: 'error', code: 'NetStream.Publish.Failed' });
  });

  test('a publisher that keeps pace goes on for ever', () => {
    const client = new Client().publish().send(9, avcConfig);
    for (let second = 1; second <= 100; second++) {
      client.now = second * 1000;
      client.send(9, keyFrame, second * 1000);
      client.step({ kind: 'tick' });
    }
    expect(client.closedWith()).toBeUndefined();
  });
});
