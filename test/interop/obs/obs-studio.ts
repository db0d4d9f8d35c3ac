import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OBSWebSocket from 'obs-websocket-js';
import { freePort } from '../../constellation/free-ports.ts';
import { until } from '../../constellation/platform.ts';

const password = 'only-for-this-test';
const size = { width: 640, height: 360 } as const;
/** `0xAABBGGRR`, as OBS writes colours. */
const blue = 0xffcc3311;

/** Settings as OBS leaves them after its first start: no questions, its WebSocket server on a port of ours. */
function globalSettings(port: number): string {
  return [
    '[General]\nFirstRun=true\nInfoIncrement=999\nEnableAutoUpdates=false\nLastVersion=486539266',
    '[Basic]\nProfile=test\nProfileDir=test\nSceneCollection=test\nSceneCollectionFile=test',
    `[OBSWebSocket]\nFirstLoad=false\nServerEnabled=true\nServerPort=${port}\nAlertsEnabled=false\nAuthRequired=true\nServerPassword=${password}`,
    '',
  ].join('\n');
}

/** What a user may have set otherwise. */
export interface ObsSettings {
  readonly frameRate?: 30 | 60;
  readonly videoKbps?: number;
  readonly sampleRate?: 44_100 | 48_000;
  readonly channels?: 'Mono' | 'Stereo' | '5.1';
  /** Of the advanced output mode: options of x264 as its users write them. */
  readonly x264?: string;
  /** User name and password of a server that wants them. */
  readonly login?: { readonly username: string; readonly password: string };
}

function profileOf({ frameRate = 30, videoKbps = 600, sampleRate = 48_000, channels = 'Stereo', x264 }: ObsSettings): string {
  return [
    '[General]\nName=test',
    `[Video]\nBaseCX=${size.width}\nBaseCY=${size.height}\nOutputCX=${size.width}\nOutputCY=${size.height}\nFPSCommon=${frameRate}`,
    `[Audio]\nSampleRate=${sampleRate}\nChannelSetup=${channels}`,
    `[Output]\nMode=${x264 === undefined ? 'Simple' : 'Advanced'}\nReconnect=true\nRetryDelay=1\nMaxRetries=30`,
    `[SimpleOutput]\nVBitrate=${videoKbps}\nABitrate=128\nStreamEncoder=x264\nPreset=ultrafast`,
    '[AdvOut]\nEncoder=obs_x264\nTrackIndex=1\nTrack1Bitrate=160\nApplyServiceSettings=false',
    '',
  ].join('\n');
}

/** A virtual display that chooses its own number. */
async function startDisplay(): Promise<{ readonly name: string; readonly child: ChildProcess }> {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const pipe = child.stdio[3] as NodeJS.ReadableStream;
  const [number] = (await once(pipe, 'data')) as [Buffer];
  return { name: `:${number.toString().trim()}`, child };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await once(child, 'exit');
  clearTimeout(timer);
}

/** A real OBS Studio under a virtual display, driven by its own WebSocket protocol. It shows one colour and plays silence. */
export class ObsStudio {
  readonly #folder: string;
  readonly #display: ChildProcess;
  readonly #child: ChildProcess;
  readonly #socket = new OBSWebSocket();
  #log = '';

  readonly #login: ObsSettings['login'];

  private constructor(folder: string, display: ChildProcess, child: ChildProcess, login: ObsSettings['login']) {
    this.#login = login;
    this.#folder = folder;
    this.#display = display;
    this.#child = child;
    for (const output of [child.stdout, child.stderr]) output?.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
  }

  static async start(settings: ObsSettings = {}): Promise<ObsStudio> {
    const folder = await mkdtemp(join(tmpdir(), 'streams-obs-'));
    const home = join(folder, 'obs-studio');
    const profile = join(home, 'basic/profiles/test');
    await mkdir(profile, { recursive: true });
    const port = await freePort();
    await writeFile(join(home, 'global.ini'), globalSettings(port));
    await writeFile(join(profile, 'basic.ini'), profileOf(settings));
    const { x264, videoKbps = 600 } = settings;
    if (x264 !== undefined)
      await writeFile(
        join(profile, 'streamEncoder.json'),
        JSON.stringify({ bitrate: videoKbps, keyint_sec: 1, preset: 'veryfast', rate_control: 'CBR', x264opts: x264 }),
      );
    const display = await startDisplay();
    const child = spawn('obs', ['--multi', '--minimize-to-tray', '--disable-missing-files-check', '--profile', 'test', '--collection', 'test'], {
      env: { PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: folder, XDG_RUNTIME_DIR: folder, DISPLAY: display.name, LIBGL_ALWAYS_SOFTWARE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const studio = new ObsStudio(folder, display.child, child, settings.login);
    await studio.#connect(port);
    return studio;
  }

  /** What it has said so far: its log. */
  get log(): string {
    return this.#log;
  }

  async publish(server: string, key: string): Promise<void> {
    const access = this.#login === undefined ? { use_auth: false } : { use_auth: true, ...this.#login };
    await this.#socket.call('SetStreamServiceSettings', { streamServiceType: 'rtmp_custom', streamServiceSettings: { server, key, ...access } });
    await this.#socket.call('StartStream');
  }

  async isPublishing(): Promise<boolean> {
    return (await this.#socket.call('GetStreamStatus')).outputActive;
  }

  async unpublish(): Promise<void> {
    await this.#socket.call('StopStream');
    await until(
      async () => !(await this.isPublishing()),
      20_000,
      () => this.log,
    );
  }

  async stop(): Promise<void> {
    await this.#socket.disconnect();
    await end(this.#child);
    await end(this.#display);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #connect(port: number): Promise<void> {
    const url = `ws://127.0.0.1:${port}`;
    await until(
      () =>
        this.#socket.connect(url, password).then(
          () => true,
          () => false,
        ),
      60_000,
      () => `OBS does not answer.\n${this.log}`,
    );
    // It answers before it has a scene.
    const ready = (): Promise<boolean> =>
      this.#socket.call('CreateInput', { sceneName: 'Scene', inputName: 'blue', inputKind: 'color_source_v3', inputSettings: { color: blue, ...size } }).then(
        () => true,
        () => false,
      );
    await until(ready, 30_000, () => this.log);
  }
}
