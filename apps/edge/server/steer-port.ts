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

/** Inodes of the sockets that listen on a TCP port, as /proc/net/tcp has them (proc(5)). */
async function listenersOn(port: number): Promise<ReadonlySet<string>> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local?.endsWith(suffix) === true && state === listening && inode !== undefined) inodes.add(inode);
    }
  }
  return inodes;
}

/** This process's listening sockets on a port. */
async function ownListeners(port: number): Promise<readonly number[]> {
  const inodes = await listenersOn(port);
  const fds: number[] = [];
  for (const name of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${name}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) fds.push(Number(name));
  }
  return fds;
}

const solSocket = 1;
const attachReuseportCbpf = 51;
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

/**
 * Makes the kernel give every new connection on a port to the later of the two sockets that this process listens with there,
 * so that the earlier one can be closed without losing a connection that nobody has accepted yet (SO_ATTACH_REUSEPORT_CBPF,
 * socket(7)). Once that one is closed the rule names a socket that is not there, and counts no more.
 * @returns false where this cannot be done: on other systems than Linux, and where others listen on the port, too
 */
export async function steerToLater(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    const fds = await ownListeners(port);
    if (fds.length !== 2 || (await listenersOn(port)).size !== 2) return false;
    const module = 'bun:ffi';
    const { dlopen, ptr } = (await import(module)) as Ffi;
    const libc = dlopen('libc.so.6', { setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' } });
    const program = programReturning(1);
    const head = programHead(ptr(program));
    const done = libc.symbols.setsockopt(fds[0] as number, solSocket, attachReuseportCbpf, head, head.length) === 0;
    libc.close();
    return done;
  } catch {
    return false;
  }
}
