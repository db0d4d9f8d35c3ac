import { Prng } from '#kernel';
import { connect, type Socket } from 'node:net';

/** How requests for segments and for playlists were answered. */
export interface Watched {
  segments: number;
  /** Of the segments, those that lay in the cache. */
  cached: number;
  /** … and those that waited for what the edge was fetching already. */
  shared: number;
  playlists: number;
  failed: number;
  readonly segmentMs: number[];
}

interface Answer {
  readonly status: number;
  readonly cacheStatus: string;
  readonly body: Buffer;
}

/** One request after the other on one connection that is kept open. */
class Line {
  readonly #socket: Socket;
  #waiting: ((answer: Answer) => void) | undefined;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #needed = Number.NaN;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true);
    this.#socket.on('data', (bytes) => this.#take(bytes));
    this.#socket.on('error', () => undefined);
  }

  ask(path: string): Promise<Answer> {
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: edge\r\n\r\n`);
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < this.#needed) return;
    const all = this.#pieces.length === 1 ? bytes : Buffer.concat(this.#pieces);
    this.#pieces = [all];
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = all.toString('latin1', 0, end).toLowerCase();
    // What comes slowly comes in chunks; no body here has the end of one in it.
    const isChunked = head.includes('\r\ntransfer-encoding: chunked');
    const last = isChunked ? all.indexOf('\r\n0\r\n\r\n', end + 2) : -1;
    if (isChunked && last < 0) return;
    this.#needed = isChunked ? last + 7 : end + 4 + Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    if (this.#bytes < this.#needed) return;
    const answer = { status: Number(head.slice(9, 12)), cacheStatus: /\r\ncache-status: ([^\r]*)/.exec(head)?.[1] ?? '', body: all.subarray(end + 4) };
    [this.#pieces, this.#bytes, this.#needed] = [[], 0, Number.NaN];
    this.#waiting?.(answer);
  }
}

/** A few connections for all viewers: who finds none free waits. */
export class Lines {
  readonly #free: Line[];
  readonly #all: readonly Line[];
  readonly #queue: Array<(line: Line) => void> = [];

  constructor(port: number, count: number) {
    this.#all = Array.from({ length: count }, () => new Line(port));
    this.#free = [...this.#all];
  }

  async ask(path: string): Promise<Answer & { readonly ms: number }> {
    const line = this.#free.pop() ?? (await new Promise<Line>((resolve) => this.#queue.push(resolve)));
    const startedMs = performance.now();
    const answer = await line.ask(path);
    const next = this.#queue.shift();
    if (next === undefined) this.#free.push(line);
    else next(line);
    return { ...answer, ms: performance.now() - startedMs };
  }

  close(): void {
    for (const line of this.#all) line.close();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface Event {
  readonly viewers: number;
  /** Viewers join over so long, ms. */
  readonly joinMs: number;
  /** From then on they watch, and are counted, ms. */
  readonly watchMs: number;
  readonly rungs: readonly string[];
  /** Whether they read an MPD once and count by the clock, or a playlist again and again. */
  readonly dash?: boolean;
}

/** A player as RFC 8216 section 6.3 has it: three segments behind the newest, its playlist again after a target duration. */
async function watch(lines: Lines, rung: string, dice: Prng, state: { counting: boolean; over: boolean }, watched: Watched): Promise<void> {
  await lines.ask('/live/show/master.m3u8');
  let next: number | undefined;
  while (!state.over) {
    const { body, status } = await lines.ask(`/live/show/${rung}.m3u8`);
    if (state.counting) watched.playlists++;
    if (state.counting && status !== 200) watched.failed++;
    const numbers = [...body.toString('latin1').matchAll(/\/(\d+)\.m4s/g)].map(([, number]) => Number(number));
    const newest = numbers.at(-1) ?? 0;
    if (next === undefined) {
      await lines.ask(`/live/show/${rung}/init.mp4`);
      next = newest - 2;
    }
    const news = next <= newest;
    for (; next <= newest && !state.over; next++) {
      await segment(lines, `/live/show/${rung}/${next}.m4s`, state, watched);
    }
    // RFC 8216 section 6.3.4: half a target duration where nothing was new. Clocks of players are no metronomes.
    await pause((news ? 2000 : 1000) * (0.95 + 0.1 * dice.next()));
  }
}

const segmentMs = 2000;

/** A DASH player at the live edge: by the clock it knows which segment is there, and asks for it within half a second. */
async function watchByClock(lines: Lines, rung: string, dice: Prng, state: { counting: boolean; over: boolean }, watched: Watched): Promise<void> {
  const { body } = await lines.ask('/live/show/show.mpd');
  const startedMs = Date.parse(/availabilityStartTime="([^"]+)"/.exec(body.toString('latin1'))?.[1] ?? '');
  await lines.ask(`/live/show/${rung}/init.mp4`);
  const newest = (): number => Math.floor((Date.now() - startedMs) / segmentMs) - 1;
  for (let next = newest() - 2; !state.over; next++) {
    await pause(Math.max(0, startedMs + (next + 1) * segmentMs - Date.now()) + dice.next() * 500);
    await segment(lines, `/live/show/${rung}/${next}.m4s`, state, watched);
  }
}

async function segment(lines: Lines, path: string, state: { readonly counting: boolean }, watched: Watched): Promise<void> {
  const answer = await lines.ask(path);
  if (!state.counting) return;
  watched.segments++;
  if (answer.status !== 200) watched.failed++;
  if (answer.cacheStatus.includes('; hit')) watched.cached++;
  else if (answer.cacheStatus.includes('collapsed')) watched.shared++;
  watched.segmentMs.push(answer.ms);
}

/** Viewers of a live event, all of them at once, over few connections. */
export async function watchEvent(port: number, event: Event): Promise<Watched> {
  const lines = new Lines(port, 256);
  const dice = new Prng(10);
  const watched: Watched = { segments: 0, cached: 0, shared: 0, playlists: 0, failed: 0, segmentMs: [] };
  const state = { counting: false, over: false };
  const viewers = Array.from({ length: event.viewers }, async () => {
    const rung = event.rungs[Math.floor(dice.next() ** 1.5 * event.rungs.length)] as string;
    await pause(dice.next() * event.joinMs);
    await (event.dash === true ? watchByClock : watch)(lines, rung, dice, state, watched);
  });
  await pause(event.joinMs + 2000);
  state.counting = true;
  await pause(event.watchMs);
  state.over = true;
  await Promise.all(viewers);
  lines.close();
  return watched;
}
