import * as packet from 'dns-packet';
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const node = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));
const main = fileURLToPath(new URL('../../apps/steering/main.js', import.meta.url));

/** Steering as its own process. */
export class SteeringProcess {
  port = 0;
  dnsPort = 0;
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;

  private constructor(env: Readonly<Record<string, string>>) {
    const fixed = { PATH: process.env['PATH'], STREAMS_HOST: '127.0.0.1', STREAMS_SUPERVISED: '1', STEERING_PORT: '0', STEERING_DNS_PORT: '0' };
    this.child = spawn(node, ['--no-warnings', main], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...fixed, ...env } });
    this.ended = once(this.child, 'exit');
  }

  static async start(env: Readonly<Record<string, string>>): Promise<SteeringProcess> {
    const steering = new SteeringProcess(env);
    const lines = createInterface({ input: steering.child.stdout as NodeJS.ReadableStream });
    const ready = new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        const entry = JSON.parse(line) as { ready?: true; port?: number; dnsPort?: number };
        if (entry.ready !== true) return;
        steering.port = entry.port ?? 0;
        steering.dnsPort = entry.dnsPort ?? 0;
        resolve();
      });
      steering.child.once('exit', (code) => reject(new Error(`steering ended with ${code}`)));
    });
    await ready;
    return steering;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Asks for an edge; by TCP, or for a subnet, where that is said. */
  async ask(name: string, { subnet, tcp = false }: { readonly subnet?: string; readonly tcp?: boolean } = {}): Promise<packet.DecodedPacket> {
    const option = subnet === undefined ? undefined : { code: 8, data: Buffer.from([0, 1, 24, 0, ...subnet.split('.').slice(0, 3).map(Number)]) };
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, ednsVersion: 0, extendedRcode: 0, flags: 0, options: option === undefined ? [] : [option] };
    const query = packet.encode({ id: 7, type: 'query', questions: [{ name, type: 'A' }], additionals: [opt as unknown as packet.Answer] });
    return packet.decode(tcp ? await this.#overTcp(query) : await this.#overUdp(query));
  }

  async stop(): Promise<void> {
    this.child.stdin?.end();
    await this.ended;
  }

  async #overUdp(query: Buffer): Promise<Buffer> {
    const socket = createSocket('udp4');
    try {
      socket.send(query, this.dnsPort, '127.0.0.1');
      const [bytes] = (await once(socket, 'message')) as [Buffer];
      return bytes;
    } finally {
      socket.close();
    }
  }

  async #overTcp(query: Buffer): Promise<Buffer> {
    const socket = connect(this.dnsPort, '127.0.0.1');
    const head = Buffer.alloc(2);
    head.writeUInt16BE(query.length);
    // In three pieces, as a network may bring them.
    const whole = Buffer.concat([head, query]);
    for (const piece of [whole.subarray(0, 1), whole.subarray(1, 9), whole.subarray(9)]) socket.write(piece);
    let got = Buffer.alloc(0);
    try {
      for await (const chunk of socket) {
        got = Buffer.concat([got, chunk as Buffer]);
        if (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) return got.subarray(2);
      }
      throw new Error('the connection ended without an answer');
    } finally {
      socket.destroy();
    }
  }
}
