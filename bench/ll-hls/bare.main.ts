import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The peer: a bare Node server that does nothing but hold requests and answer them all at once with some bytes. */
const [, , bytes = '0'] = process.argv;
const body = Buffer.alloc(Number(bytes), 'a').toString('latin1');
let held: ServerResponse[] = [];

const server = createServer((_request, response) => {
  held.push(response);
  process.send?.({ held: held.length });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('message', () => {
  const all = held;
  held = [];
  const from = Number(process.hrtime.bigint()) / 1e6;
  for (const response of all) response.writeHead(200, { 'content-length': body.length }).end(body, 'latin1');
  process.send?.({ from });
});
process.on('disconnect', () => process.exit());
