import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api';
import { TraceFlags } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  createAlwaysRecordSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
  type SamplingResult,
} from '@opentelemetry/sdk-trace';
import type { TraceSettings } from '../telemetry.config.ts';

/** Samples what belongs to a sampled trace by a link: a batch that carries one sampled event is worth seeing with it. */
class LinkedSampler implements Sampler {
  readonly #otherwise: Sampler;

  constructor(otherwise: Sampler) {
    this.#otherwise = otherwise;
  }

  shouldSample(context: Context, traceId: string, name: string, kind: SpanKind, attributes: Attributes, links: Link[]): SamplingResult {
    if (links.some((link) => (link.context.traceFlags & TraceFlags.SAMPLED) !== 0)) return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    return this.#otherwise.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return `Linked{${this.#otherwise.toString()}}`;
  }
}

/**
 * The sampler that OTEL_TRACES_SAMPLER names. What it leaves out is recorded all the same, for as long as its part of the
 * trace lasts in this process, in case it ends in an error; only `always_off` means off.
 */
export function samplerOf({ sampler, ratio }: Pick<TraceSettings, 'sampler' | 'ratio'>): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'parentbased_always_on':
      return createAlwaysRecordSampler(new ParentBasedSampler({ root: new AlwaysOnSampler() }));
    case 'parentbased_always_off':
      return createAlwaysRecordSampler(new ParentBasedSampler({ root: new LinkedSampler(new AlwaysOffSampler()) }));
    case 'traceidratio':
      return createAlwaysRecordSampler(new LinkedSampler(new TraceIdRatioBasedSampler(ratio)));
    case 'parentbased_traceidratio':
      return createAlwaysRecordSampler(new ParentBasedSampler({ root: new LinkedSampler(new TraceIdRatioBasedSampler(ratio)) }));
  }
}
