import { FuzzedWorld } from '../apps/gateway/testing/fuzz/fuzzed-world.ts';
import type { FuzzReport } from '../apps/gateway/testing/fuzz/run-fuzz.ts';
import type { ProtoReport } from '../apps/gateway/testing/fuzz/run-proto-fuzz.ts';
import { realEngines, World } from '../apps/gateway/testing/gateway.fixture.ts';
import type { Bench } from './harness/index.ts';

const callsMin = 10_000;

function told(report: FuzzReport | ProtoReport): string {
  return Object.entries('byStatus' in report ? report.byStatus : report.byCode)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');
}

export const bench: Bench = {
  name: 'api-fuzz',
  summary: 'calls made from the OpenAPI document and the gRPC contract, right and wrong, by those who may and those who may not: what breaks, and what changes',
  async run(context) {
    const fuzzed = await FuzzedWorld.open(await World.open(await realEngines()));
    try {
      const seed = Date.now() % 1_000_000;
      const count = context.quick ? callsMin / 2 : callsMin;
      const others = await fuzzed.asOthers(count, seed);
      const admin = await fuzzed.asAdmin(count, seed + 1_000);
      const protoOthers = await fuzzed.protoAsOthers(count, seed + 2_000);
      const protoAdmin = await fuzzed.protoAsAdmin(count, seed + 3_000);
      context.row('callers', 'calls', 'answers by status', 'seed');
      context.row('without the right', others.calls, told(others), seed);
      context.row('admin', admin.calls, told(admin), seed + 1_000);
      context.row('gRPC, without the right', protoOthers.calls, told(protoOthers), seed + 2_000);
      context.row('gRPC, admin', protoAdmin.calls, told(protoAdmin), seed + 3_000);
      const failures = [...others.failures, ...admin.failures];
      for (const { status, call, text } of failures.slice(0, 10))
        context.row('failed', status, `${call.method} ${call.path.slice(0, 200)}`, text.slice(0, 200));
      const protoFailures = [...protoOthers.failures, ...protoAdmin.failures];
      for (const { code, method, details, messages } of protoFailures.slice(0, 10))
        context.row('failed', code, `${method} ${details}`.slice(0, 200), messages.join(' ').slice(0, 200));
      const calls = others.calls + admin.calls;
      const protoCalls = protoOthers.calls + protoAdmin.calls;
      context.bar('api.fuzz.calls', calls, '', `>= ${callsMin}`, calls >= callsMin);
      context.bar('api.fuzz.failures', failures.length, '', '0', failures.length === 0);
      context.bar('api.fuzz.unauthorised-changes', others.changes.length, '', '0', others.changes.length === 0);
      context.bar('api.proto-fuzz.calls', protoCalls, '', `>= ${callsMin}`, protoCalls >= callsMin);
      context.bar('api.proto-fuzz.failures', protoFailures.length, '', '0', protoFailures.length === 0);
      context.bar('api.proto-fuzz.unauthorised-changes', protoOthers.changes.length, '', '0', protoOthers.changes.length === 0);
    } finally {
      await fuzzed.close();
    }
  },
};
