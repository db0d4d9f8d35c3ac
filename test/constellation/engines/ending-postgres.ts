import { createServer, type AddressInfo } from 'node:net';

/** Says that it is ready, and that it ends, in one packet, as a server may whose postmaster was killed. */
export async function endingPostgres(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const message = (tag: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(tag);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to unexpected postmaster exit'];
  const last = message('E', Buffer.from(`${fields.join('\0')}\0\0`));
  const answer = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I')), last]);
  const ending = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve) => ending.listen(0, '127.0.0.1', resolve));
  const { port } = ending.address() as AddressInfo;
  return { url: `postgresql://u:p@127.0.0.1:${port}/x`, close: () => new Promise((resolve) => ending.close(() => resolve())) };
}
