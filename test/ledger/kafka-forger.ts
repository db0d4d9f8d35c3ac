import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@platformatic/kafka';
import type { Forger, RawRecord } from './forger.ts';

/** Of the record batch of Kafka, magic 2: where the length's count begins, the checksum stands, and what it covers begins. */
const [lengthFrom, checksumAt, checksumFrom] = [12, 17, 21];

/** A batch of one record, uncompressed. */
class KafkaRecord implements RawRecord {
  readonly batch: Buffer;

  constructor(batch: Buffer) {
    this.batch = batch;
  }

  alter(from: string, to: string): KafkaRecord {
    const text = this.batch.toString('latin1');
    const batch = Buffer.from(text.replaceAll(from, to), 'latin1');
    if (batch.length !== this.batch.length || batch.equals(this.batch)) throw new Error(`no ${from} in the record, or ${to} is longer`);
    batch.writeUInt32BE(crc32c(batch.subarray(checksumFrom)), checksumAt);
    return new KafkaRecord(batch);
  }
}

/** Edits the segments of a broker that is down, checksums included. Each append was one record, which is one batch. */
export class KafkaForger implements Forger {
  readonly #folder: string;
  readonly #prefix: string;

  constructor(folder: string, prefix: string) {
    this.#folder = folder;
    this.#prefix = prefix;
  }

  edit(topic: string, partition: number, change: (records: readonly RawRecord[]) => readonly RawRecord[]): void {
    this.#write(topic, partition, change(this.#read(topic, partition)) as readonly KafkaRecord[]);
  }

  swap(topic: string, one: number, other: number): void {
    const [a, b] = [this.#read(topic, one), this.#read(topic, other)];
    this.#write(topic, one, b);
    this.#write(topic, other, a);
  }

  /** Alters one record in its place, while the broker runs. */
  alterInPlace(topic: string, partition: number, number: number, from: string, to: string): void {
    const batches = this.#read(topic, partition);
    const altered = (batches[number] as KafkaRecord).alter(from, to);
    const at = batches.slice(0, number).reduce((sum, { batch }) => sum + batch.length, 0);
    const file = openSync(join(this.#partitionFolder(topic, partition), '00000000000000000000.log'), 'r+');
    writeSync(file, altered.batch, 0, altered.batch.length, at);
    closeSync(file);
  }

  #partitionFolder(topic: string, partition: number): string {
    return join(this.#folder, `${this.#prefix}${topic}-${partition}`);
  }

  #read(topic: string, partition: number): readonly KafkaRecord[] {
    const bytes = readFileSync(join(this.#partitionFolder(topic, partition), '00000000000000000000.log'));
    const batches: KafkaRecord[] = [];
    for (let at = 0; at + lengthFrom < bytes.length;) {
      const end = at + lengthFrom + bytes.readInt32BE(at + 8);
      if (end === at + lengthFrom) break; // preallocated zeros
      batches.push(new KafkaRecord(Buffer.from(bytes.subarray(at, end))));
      at = end;
    }
    return batches;
  }

  /** Offsets anew, which no checksum covers; what Kafka derives from a segment it derives again. */
  #write(topic: string, partition: number, batches: readonly KafkaRecord[]): void {
    const folder = this.#partitionFolder(topic, partition);
    const numbered = batches.map(({ batch }, offset) => {
      const copy = Buffer.from(batch);
      copy.writeBigInt64BE(BigInt(offset), 0);
      return copy;
    });
    writeFileSync(join(folder, '00000000000000000000.log'), Buffer.concat(numbered));
    for (const name of readdirSync(folder)) if (/\.(index|timeindex|txnindex|snapshot)$/.test(name)) rmSync(join(folder, name));
    for (const name of readdirSync(this.#folder)) if (name.endsWith('-offset-checkpoint')) rmSync(join(this.#folder, name));
  }
}
