import { instantText } from '../../events/index.ts';
import type { OutgoingEvent } from '../event/index.ts';
import type { KafkaMessageOptions } from './kafka-message.codec.ts';

/** A message for a producer that has no serializers. */
export interface KafkaBytesMessage {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: Map<Buffer, Buffer>;
}

const names = {
  specversion: Buffer.from('ce_specversion'),
  id: Buffer.from('ce_id'),
  type: Buffer.from('ce_type'),
  source: Buffer.from('ce_source'),
  subject: Buffer.from('ce_subject'),
  time: Buffer.from('ce_time'),
  dataschema: Buffer.from('ce_dataschema'),
  partitionkey: Buffer.from('ce_partitionkey'),
  tenant: Buffer.from('ce_tenant'),
  correlationid: Buffer.from('ce_correlationid'),
  causationid: Buffer.from('ce_causationid'),
  traceparent: Buffer.from('ce_traceparent'),
  actor: Buffer.from('ce_actor'),
  streamversion: Buffer.from('ce_streamversion'),
  producerepoch: Buffer.from('ce_producerepoch'),
  contentType: Buffer.from('content-type'),
};
const nothing = Buffer.alloc(0);
const one = Buffer.from('1.0');
const zero = Buffer.from('0');
const json = Buffer.from('application/json');

/** The bytes of a text that mostly is that of the event before. */
class Repeated {
  #text = '';
  #bytes = Buffer.alloc(0);

  of(text: string): Buffer {
    if (text !== this.#text) [this.#text, this.#bytes] = [text, Buffer.from(text)];
    return this.#bytes;
  }
}

/** The messages of {@link kafkaMessageOf} as bytes: what stands in every event is encoded once. */
export class KafkaBytes {
  readonly #tenant: Buffer;
  readonly #actor: Buffer | undefined;
  readonly #type = new Repeated();
  readonly #source = new Repeated();
  readonly #time = new Repeated();
  readonly #dataschema = new Repeated();
  /** Of the event before: its source, and the actor that follows from it. */
  #last = { source: '', actor: Buffer.from('kafka:') };

  constructor({ tenant = 'default', actor }: KafkaMessageOptions) {
    this.#tenant = Buffer.from(tenant);
    this.#actor = actor === undefined ? undefined : Buffer.from(actor);
  }

  message(event: OutgoingEvent, topic: string, partition: number): KafkaBytesMessage {
    const key = Buffer.from(event.key);
    const id = Buffer.from(event.id);
    const correlation = event.correlationId === undefined ? id : Buffer.from(event.correlationId);
    const headers = new Map<Buffer, Buffer>();
    headers.set(names.specversion, one);
    headers.set(names.id, id);
    headers.set(names.type, this.#type.of(event.type));
    headers.set(names.source, this.#source.of(event.source));
    headers.set(names.subject, event.subject === event.key ? key : Buffer.from(event.subject));
    headers.set(names.time, this.#time.of(instantText(event.time)));
    headers.set(names.dataschema, this.#dataschema.of(event.dataschema));
    headers.set(names.partitionkey, key);
    headers.set(names.tenant, this.#tenant);
    headers.set(names.correlationid, correlation);
    headers.set(names.causationid, event.causationId === undefined ? correlation : Buffer.from(event.causationId));
    headers.set(names.traceparent, event.traceparent === undefined ? nothing : Buffer.from(event.traceparent));
    headers.set(names.actor, this.#actor ?? this.#actorOf(event.source));
    headers.set(names.streamversion, zero);
    headers.set(names.producerepoch, zero);
    headers.set(names.contentType, json);
    return { topic, partition, key, value: Buffer.from(event.data), headers };
  }

  #actorOf(source: string): Buffer {
    if (source !== this.#last.source) this.#last = { source, actor: Buffer.from(`kafka:${source}`) };
    return this.#last.actor;
  }
}
