import { liveGateway } from './live-gateway.ts';

await liveGateway(process.argv.slice(2));
