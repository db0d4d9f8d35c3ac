import { Prng } from '#kernel';
import type { ReloadQuery } from '#core/hls';
import type { Logger } from '#runtime';
import { JoiningReader, type EdgeAddress, type EdgeConnectionDeps } from '../../apps/gateway/low-latency/edge-connection.ts';
import { LivePlaylists, type LiveForm } from '../../apps/gateway/low-latency/live-playlists.ts';
import type { LivePlaylist } from '../../apps/gateway/low-latency/waiting-together.ts';
import { LiveView } from '../../apps/gateway/low-latency/live-view.ts';
import { SegmentLists } from '../../apps/gateway/origin/segment-lists.ts';
import { StreamExtras } from '../../apps/gateway/streams/stream-extras.ts';
import { StreamReader } from '../../apps/gateway/streams/stream-reader.ts';
import { nextOf, noFindings, PlaylistClient, type Findings } from './client.ts';
import { everySegment, readPlaylist, type ReadPlaylist } from './playlist.ts';
import { renditionRules } from './rules.ts';
import { SimulatedPackager, simulatedRenditions, simulatedStream, type Pipe } from './simulated-packager.fixture.ts';
import { SimulatedRows } from './simulated-rows.fixture.ts';

const form: LiveForm = { startSec: undefined, skip: false, iFrames: false, captions: undefined } as unknown as LiveForm;
const quiet = { warn: () => undefined, error: () => undefined } as unknown as Logger;
/** What is under way is let come as far as it can without anything new. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
};

interface Connection extends Pipe {
  readonly deps: EdgeConnectionDeps;
  readonly reader: JoiningReader;
  readonly unread: Uint8Array[];
  over: boolean;
  joined: boolean;
}

/** One gateway process as far as a stream's playlists go. */
interface Gateway {
  readonly view: LiveView;
  readonly playlists: LivePlaylists;
  readonly connections: Connection[];
}

interface Client extends PlaylistClient {
  /** The gateway that it waits for. */
  waits: Gateway | undefined;
}

export interface SimulatedInit {
  readonly seed: number;
  readonly steps: number;
}

/**
 * A packager, rows that come late, a gateway and its clients, in any order of steps: all of the gateway's and the packager's own
 * code but sockets, encoders and the database. Clients hold what they are given to RFC 8216bis section 6.2, as the walker does.
 */
export class SimulatedLiveEdge {
  readonly #init: SimulatedInit;
  readonly #prng: Prng;
  readonly #rows: SimulatedRows;
  readonly #packager: SimulatedPackager;
  readonly findings: Findings = noFindings();
  readonly deaths = { encoder: 0, process: 0, connection: 0, gateway: 0 };
  #gateway: Gateway;
  #nowMs = 0;
  readonly #clients: Client[] = [];
  /** Bytes by name; names that were told to be nothing. */
  readonly #fetched = new Map<string, string>();
  readonly #refused = new Set<string>();
  readonly #hinted = new Set<string>();
  #toFetch: string[] = [];
  readonly #compared = new Set<string>();

  constructor(init: SimulatedInit) {
    this.#init = init;
    this.#prng = new Prng(init.seed);
    this.#rows = new SimulatedRows(this.#prng);
    this.#packager = new SimulatedPackager(this.#prng, this.#rows);
    while (!this.#packager.isRunning) this.#packager.step();
    this.#rows.project(this.#rows.behind);
    this.#gateway = this.#begin();
    const { findings } = this;
    const { signal } = new AbortController();
    for (const rendition of simulatedRenditions)
      for (const kind of ['follows', 'polls'])
        this.#clients.push(Object.assign(new PlaylistClient({ url: `http://edge/${rendition}.m3u8?${kind}`, signal, findings }), { waits: undefined }));
  }

  async run(): Promise<this> {
    for (let step = 0; step < this.#init.steps && this.findings.violations.size === 0; step++) {
      this.#nowMs += this.#prng.nextInteger(0, 40);
      this.#step();
      await settle();
    }
    this.#gateway.view.close();
    return this;
  }

  #step(): void {
    const dice = this.#prng.next();
    if (dice < 0.3) return this.#packager.step();
    if (dice < 0.5) return this.#read();
    if (dice < 0.58) return this.#rows.behind > 0 ? this.#rows.project(this.#prng.nextInteger(1, 3)) : undefined;
    if (dice < 0.7) return this.#rows.pending > 0 ? this.#rows.answer() : undefined;
    if (dice < 0.76) return this.#tick();
    if (dice < 0.9) return this.#ask(this.#prng.pick(this.#clients));
    if (dice < 0.99) return this.#fetchNext();
    return this.#fail();
  }

  #fail(): void {
    const dice = this.#prng.next();
    if (dice < 0.35) {
      this.deaths.encoder += 1;
      this.#packager.killEncoder();
    } else if (dice < 0.6) {
      this.deaths.process += 1;
      this.#packager.killProcess();
    } else if (dice < 0.8) {
      this.deaths.connection += 1;
      this.#packager.breakConnections();
    } else if (!this.#packager.hasLostBreak && this.#packager.stored > 6 && this.#gateway.view.isJoined && this.#rows.behind < 4) {
      // A gateway that is new and a packager that is new know nothing of the parts of the one before.
      this.deaths.gateway += 1;
      this.#gateway.view.close();
      this.#gateway = this.#begin();
      this.#toFetch = this.#toFetch.filter((uri) => this.#packager.made(/\.(r\d+)\./.exec(uri)?.[1] ?? ''));
    }
  }

  #begin(): Gateway {
    const connections: Connection[] = [];
    const streams = new StreamReader(this.#rows);
    const view = new LiveView(simulatedStream, this.#rows.streamRow, {
      ...{ streams, lists: new SegmentLists(this.#rows), logger: quiet, now: () => 1_790_000_000_000, elapsedMs: () => this.#nowMs },
      connect: (address, deps) => this.#connect(address, deps, connections),
    });
    const views = { of: () => Promise.resolve(view), heldOf: () => Promise.resolve(view), full: false };
    return { view, playlists: new LivePlaylists(views, new StreamExtras(this.#rows, () => this.#nowMs)), connections };
  }

  #connect(address: EdgeAddress, deps: EdgeConnectionDeps, connections: Connection[]): { readonly address: EdgeAddress; close(): void } {
    const unread: Uint8Array[] = [];
    const connection: Connection = {
      ...{ url: address.url, deps, reader: new JoiningReader(), unread, broken: false, over: false, joined: false },
      send: (pieces) => void unread.push(...pieces.map((piece) => piece.slice())),
      end: () => (connection.broken = true),
    };
    connections.push(connection);
    return { address, close: () => this.#end(connection) };
  }

  #end(connection: Connection): void {
    if (connection.over) return;
    connection.over = true;
    connection.deps.onEnd();
  }

  /** A connection is accepted or refused, or a piece of what was sent arrives, or that it is broken. */
  #read(): void {
    const { connections } = this.#gateway;
    const connection = connections.find(({ over }) => !over);
    if (connection === undefined) return;
    if (!connection.joined) {
      connection.joined = this.#packager.join(connection);
      if (!connection.joined) this.#end(connection);
      return;
    }
    const pieces = connection.unread.splice(0, this.#prng.nextInteger(1, 20));
    for (const piece of pieces) {
      const frames = connection.reader.push(piece);
      if (frames.length > 0 && !connection.over) connection.deps.onFrames(frames);
    }
    if (pieces.length === 0 && connection.broken) this.#end(connection);
  }

  #tick(): void {
    const { view } = this.#gateway;
    view.room.expire();
    void view.refresh();
  }

  #ask(client: Client): void {
    if (client.waits === this.#gateway) return;
    const gateway = this.#gateway;
    client.waits = gateway;
    const { playlist } = client;
    const follows = client.name !== '' && this.#clients.indexOf(client) % 2 === 0;
    const asked = follows && playlist?.serverControl['CAN-BLOCK-RELOAD'] === 'YES' ? nextOf(playlist) : undefined;
    const skip = asked !== undefined && client.mayUpdate && this.#prng.next() < 0.5;
    void gateway.playlists.media(simulatedStream, client.name, { ...form, skip }, asked as ReloadQuery | undefined).then((answer) => {
      if (client.waits !== gateway || gateway !== this.#gateway) return;
      client.waits = undefined;
      this.#answered(client, answer, asked, skip);
    });
  }

  #answered(client: Client, answer: LivePlaylist | undefined, asked: ReturnType<typeof nextOf> | undefined, skip: boolean): void {
    this.findings.reloads += 1;
    if (asked !== undefined) this.findings.blocked += 1;
    if (answer?.kind === 'too-far') this.#note('6.2.5.2', `${client.name} may wait for ${JSON.stringify(asked)}`);
    if (answer?.kind === 'late') this.findings.unavailable += 1;
    if (answer?.kind !== 'playlist') return;
    client.take(readPlaylist(answer.text), skip ? '_HLS_skip=YES' : '', asked);
    const { playlist } = client;
    if (playlist !== undefined) this.#look(client.name, playlist);
  }

  #look(rendition: string, playlist: ReadPlaylist): void {
    for (const other of this.#clients)
      if (other.playlist !== undefined && other.name !== rendition)
        for (const { item, says, check } of renditionRules) {
          const wrong = check(playlist, other.playlist);
          if (wrong !== undefined) this.#note(item, `${says}: ${wrong}`);
        }
    for (const segment of everySegment(playlist)) {
      for (const { uri, gap } of segment.parts) {
        if (gap) continue;
        if (this.#refused.has(uri)) this.#note('6.2.1-M7', `${uri} was told to be nothing, which caches remember, and is listed now`);
        if (!this.#fetched.has(uri) && !this.#toFetch.includes(uri)) this.#toFetch.push(uri);
        // Most ask at once.
        if (this.#toFetch.length > this.#prng.nextInteger(0, 4)) this.#fetchNext();
      }
      this.#compare(segment);
    }
    for (const hint of playlist.hints) if (!this.#hinted.has(hint)) this.#fetchHint(hint);
  }

  /** The parts of a segment are its bytes. */
  #compare({ uri, gap, parts }: ReadPlaylist['segments'][number]): void {
    const pieces = parts.map((part) => (part.gap ? undefined : this.#fetched.get(part.uri)));
    if (uri === undefined || gap || parts.length === 0 || pieces.includes(undefined) || this.#compared.has(uri)) return;
    this.#compared.add(uri);
    this.findings.segments += 1;
    const cid = /media\/(.+)\.m4s$/.exec(uri)?.[1] ?? '';
    if (this.#packager.media.get(cid) !== pieces.join('')) this.#note('3-parts', `${uri} is not ${pieces.join('')}`);
  }

  #part(uri: string): ReturnType<LivePlaylists['part']> {
    const [, rendition = '', mediaSequence, index, run = ''] = /^\.\/(.+)\/(\d+)\.(\d+)\.(.+)\.m4s$/.exec(uri) ?? [];
    return this.#gateway.playlists.part(simulatedStream, { rendition, mediaSequence: Number(mediaSequence), index: Number(index), run });
  }

  #fetchHint(hint: string): void {
    const gateway = this.#gateway;
    this.#hinted.add(hint);
    void this.#part(hint).then((answer) => {
      // The gateway that was asked is no more.
      if (gateway === this.#gateway && answer.kind === 'absent') this.#refused.add(hint);
    });
  }

  #fetchNext(): void {
    const uri = this.#toFetch.shift();
    if (uri === undefined) return;
    const gateway = this.#gateway;
    this.findings.parts += 1;
    void this.#part(uri).then((answer) => {
      if (answer.kind === 'part') this.#fetched.set(uri, new TextDecoder().decode(answer.bytes));
      else if (gateway === this.#gateway && answer.kind === 'absent') this.#note('6.2.1-M7', `${uri} is listed and ${answer.kind}`);
      else this.#toFetch.push(uri);
    });
  }

  #note(item: string, wrong: string): void {
    this.findings.violations.add(`${item}: ${wrong}`);
  }
}
