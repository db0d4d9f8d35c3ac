/** What is used of `bun:ffi`. */
interface Ffi {
  dlopen(
    name: string,
    symbols: { readonly preadv2: { readonly args: readonly string[]; readonly returns: string } },
  ): { readonly symbols: { preadv2: Preadv2 } };
  ptr(bytes: Uint8Array): number;
}

type Preadv2 = (fd: number, vector: Uint8Array, count: number, offset: number, flags: number) => number;

/** Fills `into` from a position of a file, if the system has all of it in memory; how many bytes came, less than none after an error. */
export type ReadCached = (fd: number, into: Uint8Array, position: number) => number;

/** Fails with EAGAIN where the disk would have to be waited for (preadv2(2)). */
const nowait = 8;

/**
 * Reads of what is in the page cache without a thread, a promise or a wait. A thread costs many times what such a read does, and
 * an answer that comes later than its request is sent by Bun in one write for each word of its head, if it is of 16 KB or more.
 * @returns undefined where this cannot be done: on Node, on other systems than Linux, and with another C library than glibc
 */
export async function openReadCached(): Promise<ReadCached | undefined> {
  if (process.platform !== 'linux' || process.versions['bun'] === undefined) return undefined;
  try {
    const module = 'bun:ffi';
    const { dlopen, ptr } = (await import(module)) as Ffi;
    const { preadv2 } = dlopen('libc.so.6', { preadv2: { args: ['i32', 'ptr', 'i32', 'i64_fast', 'i32'], returns: 'i64_fast' } }).symbols;
    // struct iovec on a machine of 64 bits: address and length.
    const vector = new BigUint64Array(2);
    const bytes = new Uint8Array(vector.buffer);
    return (fd, into, position) => {
      vector[0] = BigInt(ptr(into));
      vector[1] = BigInt(into.length);
      return Number(preadv2(fd, bytes, 1, position, nowait));
    };
  } catch {
    return undefined;
  }
}
