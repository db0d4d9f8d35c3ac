import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { ToldSocket } from './told-socket.ts';

/** A socket whose writes end when a test says so, if ever. */
class SlowSocket extends Duplex {
  written = '';
  taken: Array<() => void> = [];
  pauses = 0;

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += bytes.toString();
    this.taken.push(done);
  }

  override pause(): this {
    this.pauses++;
    return super.pause();
  }
}

describe('a socket as its owner is told of it', () => {
  let socket: SlowSocket;
  let told: ToldSocket;
  let read: string[];

  beforeEach(() => {
    [socket, read] = [new SlowSocket(), []];
    told = new ToldSocket(socket as unknown as Socket);
    told.on('data', (bytes: Buffer) => read.push(bytes.toString()));
    told.on('end', () => read.push('end')).on('close', () => read.push('close'));
    told.on('error', () => read.push('error'));
  });

  test('passes on what comes and what goes, as soon as the other side takes it', async () => {
    const done: string[] = [];
    for (const text of ['a', 'b', 'c']) told.write(text, () => done.push(text));
    await turn();
    expect([socket.written, done]).toEqual(['a', []]);
    socket.taken.shift()?.();
    await turn();
    expect([socket.written, done]).toEqual(['abc', ['a']]);
    socket.push('answer');
    await turn();
    expect(read).toEqual(['answer']);
  });

  test('has gone when the other side has, though a write does not end, and what came before is read', async () => {
    told.write('asked');
    told.write('more');
    socket.push('answer');
    await turn();
    socket.destroy();
    for (let at = 0; at < 5; at++) await turn();
    expect([read, told.destroyed]).toEqual([['answer', 'end', 'close'], true]);
  });

  test('holds up the other side while nobody reads', async () => {
    told.pause();
    const before = socket.pauses;
    socket.push(Buffer.alloc(100_000));
    await turn();
    expect([socket.pauses > before, socket.isPaused()]).toEqual([true, true]);
    told.resume();
    await turn();
    expect([socket.isPaused(), read.length]).toEqual([false, 1]);
  });

  test('is ended with its owner', async () => {
    told.destroy();
    await turn();
    expect(socket.destroyed).toBe(true);
  });
});
