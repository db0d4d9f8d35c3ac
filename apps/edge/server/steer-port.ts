import { pause } from '#runtime';
import { readdir, readFile, readlink } from 'node:fs/promises';

/** What is used of `bun:ffi`. */
interface Ffi {
  dlopen(
    name: string,
    symbols: { readonly setsockopt: { readonly args: readonly string[]; readonly returns: string } },
  ): { readonly symbols: { setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number }; close(): void };
  ptr(bytes: Uint8Array): number;
}

const listening = '0A';

interface Listener {
  readonly inode: string;
  readonly address: string;
}

/** The sockets that listen on a TCP port, as /proc/net/tcp has them (proc(5)). */
async function listenersOn(port: number): Promise<readonly Listener[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listeners: Listener[] = [];
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, address, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (address?.endsWith(suffix) === true && state === listening && inode !== undefined) listeners.push({ inode, address });
    }
  }
  return listeners;
}

/** This process's listening sockets among those. */
async function ownAmong(listeners: readonly Listener[]): Promise<ReadonlyArray<Listener & { readonly fd: number }>> {
  const own: Array<Listener & { readonly fd: number }> = [];
  for (const name of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${name}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    const listener = listeners.find((one) => one.inode === inode);
    if (listener !== undefined) own.push({ ...listener, fd: Number(name) });
  }
  return own;
}

const solSocket = 1;
const attachReuseportCbpf = 51;
const detachReuseportBpf = 68;
/** `BPF_RET | BPF_K`: the number that follows is the answer. */
const returnConstant = 0x06;

/** struct sock_filter (linux/filter.h): one instruction. */
function programReturning(index: number): Uint8Array {
  const filter = new DataView(new ArrayBuffer(8));
  filter.setUint16(0, returnConstant, true);
  filter.setUint32(4, index, true);
  return new Uint8Array(filter.buffer);
}

/** struct sock_fprog on a machine of 64 bits: the count, and after padding the address. */
function programHead(address: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(16));
  head.setUint16(0, 1, true);
  head.setBigUint64(8, BigInt(address), true);
  return new Uint8Array(head.buffer);
}

/** Calls with the libc of this process. @throws where there is none, as on Node */
async function withSetsockopt<T>(use: (set: (fd: number, option: number, value: Uint8Array) => boolean, ptr: Ffi['ptr']) => T): Promise<T> {
  const module = 'bun:ffi';
  const { dlopen, ptr } = (await import(module)) as Ffi;
  const libc = dlopen('libc.so.6', { setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' } });
  try {
    return use((fd, option, value) => libc.symbols.setsockopt(fd, solSocket, option, value, value.length) === 0, ptr);
  } finally {
    libc.close();
  }
}

/**
 * Makes the kernel give every new connection on a port to the socket that came to it last, so that an earlier one of this
 * process can be closed without losing a connection that nobody has accepted yet (SO_ATTACH_REUSEPORT_CBPF, socket(7)). The
 * kernel numbers the sockets of a port as they come; when one is closed, the rule names a socket that is not there, and counts
 * no more until there are as many again: who comes then says `steerNoMore`.
 * @returns false where this cannot be done: on other systems than Linux, on Node, and where nobody came later
 */
async function steerToLatest(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    const listeners = await listenersOn(port);
    const [first] = await ownAmong(listeners);
    const count = listeners.filter(({ address }) => address === first?.address).length;
    if (first === undefined || count < 2) return false;
    return await withSetsockopt((set, ptr) => {
      const program = programReturning(count - 1);
      return set(first.fd, attachReuseportCbpf, programHead(ptr(program)));
    });
  } catch {
    return false;
  }
}

/** How long connections that a listener has taken may need to their first request, ms: Bun ends them as idle. */
const handOverMs = 3000;

/** Hands new connections on a port to whoever came last, and waits until those taken before have said what they want. */
export async function handOver(port: number): Promise<void> {
  if (await steerToLatest(port)) await pause(handOverMs);
}

/** Takes away what `steerToLatest` left on a port where this process listens: new connections go to all again. */
export async function steerNoMore(port: number): Promise<void> {
  if (process.platform !== 'linux') return;
  try {
    const [first] = await ownAmong(await listenersOn(port));
    if (first !== undefined) await withSetsockopt((set) => set(first.fd, detachReuseportBpf, new Uint8Array(4)));
  } catch {
    // Nothing was steered here.
  }
}
