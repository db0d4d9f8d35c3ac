import { catalogue, dataschemaOf, definitionOf, type EventDefinition } from '#events';
import { Controller } from '@nestjs/common';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { notFound } from '../http/problem.errors.ts';
import { jsonSchemaOf } from './json-schemas.ts';
import { listCatalogue, showEventType } from './catalogue.contract.ts';

function entryOf({ type, version, context, publishers, meaning }: EventDefinition): object {
  return { type, version, context, open: publishers === 'anyone', meaning, dataschema: dataschemaOf(type, version) };
}

/** What can be published and read, for people and for their tools. */
@Controller()
export class CatalogueController {
  @Route(listCatalogue)
  list(@Input(listCatalogue) { query }: InputOf<typeof listCatalogue>): object {
    const definitions = (catalogue as readonly EventDefinition[]).filter(
      ({ context, publishers }) =>
        (query.context === undefined || query.context === context) && (query.open === undefined || (query.open === 'true') === (publishers === 'anyone')),
    );
    return { items: definitions.map(entryOf) };
  }

  @Route(showEventType)
  async show(@Input(showEventType) { params }: InputOf<typeof showEventType>): Promise<object> {
    const definition = definitionOf(params.type);
    if (definition === undefined) throw notFound('unknown-event-type', `The catalogue has no event ${params.type}.`);
    const { type, samples } = definition;
    const versions = await Promise.all(
      samples.map(async (sample, at) => ({
        version: at + 1,
        dataschema: dataschemaOf(type, at + 1),
        schema: await jsonSchemaOf(type, at + 1),
        sample,
      })),
    );
    return { ...entryOf(definition), sampleKey: definition.key(samples.at(-1)), versions };
  }
}
