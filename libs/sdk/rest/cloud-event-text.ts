import { instantText } from '../../events/index.ts';
import type { OutgoingEvent } from '../event/index.ts';

/** An event in the JSON format of CloudEvents 1.0. The data goes in as the text that it is already. */
export function cloudEventText(event: OutgoingEvent): string {
  const { id, source, type, time, isTimeStated, dataschema, correlationId, causationId, traceparent, data } = event;
  const attributes = {
    specversion: '1.0',
    id,
    source,
    type,
    time: isTimeStated ? instantText(time) : undefined,
    dataschema,
    correlationid: correlationId,
    causationid: causationId,
    traceparent,
  };
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`;
}
