import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { SmallDisk } from './small-disk.ts';

export interface KafkaProcessInit {
  readonly jars: string;
  /** Of this broker alone; kept over restarts. */
  readonly folder: string;
  readonly properties: string;
  /** Of its data, when that is bounded. */
  readonly diskBytes?: number | undefined;
}

/**
 * The shell in between keeps watch: when this process ends, however that happens, its standard input closes, and the
 * broker is killed by its pid, and its data removed. It prints that pid, so that tests can send signals to the broker itself.
 */
const guard = [
  'java "$@" <&- >&2 & broker=$!; echo $broker',
  // Nobody may be left to read what the shell says.
  'trap "" PIPE; read -r wait; ended=$?; kill -9 $broker 2>&-; wait $broker',
  '[ $ended = 0 ] || { umount "$0/data" 2>&-; rm -rf "$0"; rmdir "${0%/*}" 2>&-; }',
].join('\n');

/** One broker, from Apache Kafka's jars; may be killed and started again on the same data. */
export class KafkaProcess {
  readonly #init: KafkaProcessInit;
  /** When it was asked for. */
  readonly disk: SmallDisk | undefined;
  #guard: ChildProcess | undefined;
  #pid = 0;
  #output = '';

  private constructor(init: KafkaProcessInit, disk: SmallDisk | undefined) {
    this.#init = init;
    this.disk = disk;
  }

  /** Formats the data folder of a new broker. */
  static async create(init: KafkaProcessInit, clusterId: string): Promise<KafkaProcess> {
    await mkdir(init.folder, { recursive: true });
    const properties = join(init.folder, 'server.properties');
    const data = join(init.folder, 'data');
    await writeFile(properties, `${init.properties}\nlog.dirs=${data}\n`);
    const disk = init.diskBytes === undefined ? undefined : await SmallDisk.at(data, init.diskBytes);
    const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(init.jars, '*')];
    await promisify(execFile)('java', [...flags, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]);
    return new KafkaProcess(init, disk);
  }

  /** The newest of what it printed. */
  get output(): string {
    return this.#output;
  }

  /** Where its logs are. */
  get dataFolder(): string {
    return join(this.#init.folder, 'data');
  }

  get running(): boolean {
    return this.#guard !== undefined;
  }

  /** Resolves once the process exists; it serves a little later. */
  async start(): Promise<void> {
    const { jars, folder } = this.#init;
    const java = ['-Xms128m', '-Xmx384m', '-XX:+UseSerialGC', '-cp', join(jars, '*'), 'kafka.Kafka', join(folder, 'server.properties')];
    const child = spawn('sh', ['-c', `${this.disk?.shellCommand ?? ''}\n${guard}`, folder, ...java], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#guard = child;
    child.stderr.on('data', (chunk: Buffer) => void (this.#output = (this.#output + chunk.toString()).slice(-16_000)));
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    this.#pid = Number(line);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.#pid, signal);
  }

  /** Ends it in the middle of whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#guard;
    if (child === undefined) return;
    this.#guard = undefined;
    const gone = once(child, 'close');
    child.stdin?.end('\n');
    await gone;
  }
}
