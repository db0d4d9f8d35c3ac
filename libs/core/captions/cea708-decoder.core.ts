import { Cea708Service } from './cea708-service.core.ts';
import type { CueLog } from './cue-log.core.ts';

const packetBytesMax = 128;
/** Services that are listed; the format knows of sixty-three, and broadcasters use two. */
const servicesMax = 6;

/** The packets of CEA-708: gathered from pairs, taken apart into the blocks of services (CTA-708 sections 5 and 6). */
export class Cea708Decoder {
  readonly #logOf: (service: number) => CueLog;
  readonly #services = new Map<number, Cea708Service>();
  #packet: number[] = [];
  #sequence: number | undefined;

  /** @param logOf log of a service, asked for when the service says something */
  constructor(logOf: (service: number) => CueLog) {
    this.#logOf = logOf;
  }

  /** @param start the pair begins a packet */
  push(atMs: number, start: boolean, first: number, second: number): void {
    if (start) this.#packet = [];
    else if (this.#packet.length === 0) return;
    this.#packet.push(first, second);
    const size = sizeOf(this.#packet[0] as number);
    if (this.#packet.length < size) return;
    const packet = Uint8Array.from(this.#packet.slice(0, size));
    this.#packet = [];
    this.#take(atMs, packet);
  }

  #take(atMs: number, packet: Uint8Array): void {
    const sequence = (packet[0] as number) >> 6;
    if (this.#sequence !== undefined && sequence !== ((this.#sequence + 1) & 3)) for (const service of this.#services.values()) service.lost();
    this.#sequence = sequence;
    for (let at = 1; at < packet.length;) {
      const head = packet[at] as number;
      const size = head & 0x1f;
      let number = head >> 5;
      at += 1;
      // A null block: padding up to the end.
      if (number === 0 || size === 0) return;
      if (number === 7) number = (packet[at++] ?? 0) & 0x3f;
      if (number <= servicesMax && at + size <= packet.length) this.#service(number).push(atMs, packet.subarray(at, at + size));
      at += size;
    }
  }

  #service(number: number): Cea708Service {
    let service = this.#services.get(number);
    if (service === undefined) {
      service = new Cea708Service(this.#logOf(number));
      this.#services.set(number, service);
    }
    return service;
  }
}

function sizeOf(head: number): number {
  const code = head & 0x3f;
  return code === 0 ? packetBytesMax : code * 2;
}
