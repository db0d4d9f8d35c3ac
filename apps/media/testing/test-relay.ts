import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  cueNameOf,
  encodeFlvHeader,
  encodeTag,
  encodeTimeZero,
  readAudioHeader,
  readVideoHeader,
  tagType,
  trackBodyOf,
  videoPayload,
  type FlvTag,
} from '#core/flv';

interface TestSession {
  readonly tags: readonly FlvTag[];
  readonly startedAt: number;
  /** Of the publisher's clock: 1 is real time. */
  readonly speed: number;
  /** When its first frame came, as readers are told. */
  readonly zeroMs: number;
  over: boolean;
  /** Nothing is sent then, and what would have been is lost. */
  silent: boolean;
}

/** A relay as ingest serves it: each session plays in real time, unless told otherwise, and a reader starts at its current group of pictures, or at the place that it goes on from. */
export class TestRelay {
  readonly #server: Server;
  readonly #sessions = new Map<string, TestSession>();
  readonly #responses = new Set<ServerResponse>();
  /** Readers served so far. */
  served = 0;
  /** For how long readers wanted media to be held back, in order, by session and ms; it never is. */
  readonly gathered: Array<readonly [string, number]> = [];

  constructor() {
    this.#server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://relay');
      const sessionId = searchParams.get('session') ?? '';
      const session = this.#sessions.get(sessionId);
      if (session === undefined) return void response.writeHead(404).end();
      if (request.method === 'PUT') {
        this.gathered.push([sessionId, Number(searchParams.get('gather'))]);
        return void response.writeHead(204, { connection: 'close' }).end();
      }
      response.writeHead(200, { 'content-type': 'video/x-flv', connection: 'close' });
      this.served += 1;
      this.#responses.add(response);
      response.once('close', () => this.#responses.delete(response));
      void serve(session, response, Number(searchParams.get('from')));
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/relay/st`;
  }

  /** Answers when its time zero was, as readers are told. */
  open(sessionId: string, tags: readonly FlvTag[], speed = 1, zeroMs = Date.now()): number {
    this.#sessions.set(sessionId, { tags, startedAt: performance.now(), speed, zeroMs, over: false, silent: false });
    return zeroMs;
  }

  /** The publisher left: readers get the rest up to now and the end. */
  close(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) session.over = true;
    this.#sessions.delete(sessionId);
  }

  /** The publisher's media stops, or goes on from its next key frame; its connection stays. */
  hush(sessionId: string, silent: boolean): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) session.silent = silent;
  }

  /** Connections break as if the machine were gone. */
  breakConnections(): void {
    for (const response of this.#responses) response.destroy();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function isHeader({ type, body }: FlvTag): boolean {
  if (type === tagType.script) return cueNameOf(body) === undefined;
  const own = trackBodyOf(body, type === tagType.video ? 'video' : 'audio')?.body ?? body;
  return (type === tagType.video ? readVideoHeader(own) : readAudioHeader(own)).kind === 'sequence-header';
}

async function serve(session: TestSession, response: ServerResponse, fromMs: number): Promise<void> {
  const media = session.tags.filter((tag) => !isHeader(tag));
  const now = (): number => (performance.now() - session.startedAt) * session.speed;
  const has = { audio: media.some(({ type }) => type === tagType.audio), video: media.some(({ type }) => type === tagType.video) };
  response.write(encodeFlvHeader(has));
  response.write(encodeTag({ type: tagType.script, timestampMs: 0, body: encodeTimeZero(session.zeroMs) }));
  for (const tag of session.tags.filter(isHeader)) response.write(encodeTag({ ...tag, timestampMs: 0 }));
  const isPoint = ({ type, body }: FlvTag): boolean => !has.video || (type === tagType.video && readVideoHeader(body).keyFrame);
  const shownMs = ({ type, timestampMs, body }: FlvTag): number => timestampMs + (type === tagType.video ? videoPayload(body).compositionMs : 0);
  const isBegun = (tag: FlvTag): boolean => (fromMs > 0 ? shownMs(tag) <= Math.min(fromMs, now()) : tag.timestampMs <= now());
  let at = Math.max(
    0,
    media.findLastIndex((tag) => isBegun(tag) && isPoint(tag)),
  );
  while (!response.destroyed) {
    if (session.silent) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const next = media.findIndex((tag) => tag.timestampMs > now() && isPoint(tag));
      at = next === -1 ? media.length - 1 : next;
      continue;
    }
    for (; at < media.length && (media[at] as FlvTag).timestampMs <= now(); at++) response.write(encodeTag(media[at] as FlvTag));
    // As the relay does: what its reader still has to say finds an open connection.
    if (session.over || at === media.length) return void response.socket?.end('0\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
