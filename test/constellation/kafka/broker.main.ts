import { startKafka } from './index.ts';

/** Starts a broker, says where, and stops it when its standard input ends. */
const kafka = await startKafka();
process.stdout.write(`${kafka.address}\n`);
for await (const _ of process.stdin);
await kafka.stop();
