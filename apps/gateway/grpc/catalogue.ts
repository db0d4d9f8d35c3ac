import { catalogue, dataschemaOf, type EventDefinition } from '#events';
import { create } from '@bufbuild/protobuf';
import { z } from 'zod';
import { GetCatalogueResponseSchema, type GetCatalogueResponse } from './generated/streams/v1/event_service_pb.ts';

/** Every type of event, as `GetCatalogue` answers it. */
export function catalogueMessage(): GetCatalogueResponse {
  const types = (catalogue as readonly EventDefinition[]).map(({ type, version, context, meaning, schema, samples }) => ({
    type,
    version,
    context,
    meaning,
    dataschema: dataschemaOf(type, version),
    jsonSchema: JSON.stringify(z.toJSONSchema(schema, { io: 'input' })),
    sample: JSON.stringify(samples.at(-1)),
  }));
  return create(GetCatalogueResponseSchema, { types });
}
