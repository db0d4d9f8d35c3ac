import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';

/** The peer: a grpc-js server that streams one message over and over, without a log, a filter or an encoding. */
const [size = '0', count = '0'] = process.argv.slice(2);
const message = Buffer.alloc(Number(size), 7);
const same = (bytes: Buffer): Buffer => bytes;
const method = {
  path: '/bare.Bare/Read',
  requestStream: false,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

function read(call: ServerWritableStream<Buffer, Buffer>): void {
  let left = Number(count);
  const next = (): void => {
    if (left-- === 0) return void call.end();
    call.write(message, next);
  };
  next();
}

const server = new Server();
server.addService({ read: method }, { read });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, port) => process.stdout.write(`${JSON.stringify({ grpc: `127.0.0.1:${port}` })}\n`));
process.stdin.on('end', () => process.exit(0)).resume();
