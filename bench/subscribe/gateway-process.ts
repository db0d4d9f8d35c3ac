import { liveGateway } from '../../apps/gateway/testing/live-gateway.ts';

await liveGateway(process.argv.slice(2));
