import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { EdgeFrameReader, type EdgeFrame } from '#core/live-edge';
import type { Logger } from '#runtime';

/** Where a stream's packager is, and which session of the stream it encodes. */
export interface EdgeAddress {
  readonly url: string;
  readonly sessionId: string;
}

export interface EdgeConnectionDeps {
  readonly logger: Logger;
  /** The first are all that the packager has at hand, at once: what it told last is then known, and nothing in between is seen. */
  readonly onFrames: (frames: readonly EdgeFrame[]) => void;
  /** Called once: the packager is done with the session, or away. */
  readonly onEnd: () => void;
}

const connectMsMax = 2000;
/** Three of the packager's beats. */
const silenceMsMax = 6000;

/** Frames of a packager; the first are all that it has at hand, which it ends with a beat. */
export class JoiningReader {
  readonly #reader = new EdgeFrameReader();
  #joining: EdgeFrame[] | undefined = [];

  /** @throws LiveEdgeError */
  push(chunk: Uint8Array): readonly EdgeFrame[] {
    const frames = this.#reader.push(chunk);
    if (this.#joining === undefined) return frames;
    this.#joining.push(...frames);
    if (!frames.some(({ message }) => message.kind === 'beat')) return [];
    const all = this.#joining;
    this.#joining = undefined;
    return all;
  }
}

/** Follows a stream at the process that encodes it. */
export class EdgeConnection {
  readonly address: EdgeAddress;
  readonly #deps: EdgeConnectionDeps;
  readonly #request: ClientRequest;
  readonly #reader = new JoiningReader();
  #over = false;

  constructor(address: EdgeAddress, deps: EdgeConnectionDeps) {
    this.address = address;
    this.#deps = deps;
    const url = new URL(address.url);
    url.searchParams.set('session', address.sessionId);
    this.#request = request(url, { agent: false });
    this.#request.setTimeout(connectMsMax, () => this.#request.destroy());
    this.#request.once('response', (response) => this.#read(response));
    this.#request.once('error', () => this.#end());
    this.#request.once('close', () => this.#end());
    this.#request.end();
  }

  close(): void {
    this.#request.destroy();
    this.#end();
  }

  #read(response: IncomingMessage): void {
    this.#request.setTimeout(silenceMsMax, () => this.#request.destroy());
    response.once('error', () => this.#end());
    response.once('close', () => this.#end());
    if (response.statusCode === 200) response.on('data', (chunk: Buffer) => this.#take(chunk));
    else this.#request.destroy();
  }

  #take(chunk: Uint8Array): void {
    if (this.#over) return;
    try {
      const frames = this.#reader.push(chunk);
      if (frames.length > 0) this.#deps.onFrames(frames);
    } catch (err) {
      this.#deps.logger.error({ err, ...this.address }, 'a packager sends what is not a live edge');
      this.close();
    }
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deps.onEnd();
  }
}
