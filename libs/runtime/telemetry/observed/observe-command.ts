import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';
import { activeSpan } from '../tracing/tracer.ts';
import { codeOf } from './error-code.ts';

export interface ObservedCommand {
  readonly context: string;
  readonly command: unknown;
  /** `traceparent` that the command came with, where there is no active span. */
  readonly traceparent: string | undefined;
}

/** The `type` of a command: commands are unions of few. */
function typeOf(command: unknown): string {
  const type = (command as { type?: unknown } | undefined)?.type;
  return typeof type === 'string' ? type : 'command';
}

/** Runs a command inside a span, which its events then carry on, and counts how it ended. A refusal is an outcome, no failure. */
export function observeCommand<Result extends { readonly refused: boolean }>(
  telemetry: Telemetry,
  { context, command, traceparent }: ObservedCommand,
  work: () => Promise<Result>,
): Promise<Result> {
  const { tracer, meter } = telemetry;
  const type = typeOf(command);
  const counted = (outcome: string): void => meter.counter(metrics.commands).add(1, { context, command: type, outcome });
  const measured = async (): Promise<Result> => {
    const begun = performance.now();
    try {
      const result = await work();
      meter.histogram(metrics.commandSeconds).observe((performance.now() - begun) / 1000, { context });
      counted(result.refused ? 'refused' : 'accepted');
      return result;
    } catch (error) {
      counted(codeOf(error));
      throw error;
    }
  };
  if (!tracer.on) return measured();
  const attributes = { 'streams.context': context, 'streams.command': type };
  return tracer.run({ name: `${context} ${type}`, kind: 'internal', attributes, ...parentOf(traceparent) }, async (span) => {
    const result = await measured();
    span.set({ 'streams.command.refused': result.refused });
    return result;
  });
}

/** The active span comes first: it knows better than the request what it is part of. */
function parentOf(traceparent: string | undefined): { parent?: string } {
  return activeSpan() !== undefined || !traceparent ? {} : { parent: traceparent };
}
