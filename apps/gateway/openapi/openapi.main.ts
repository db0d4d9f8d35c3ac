import { openApiOf } from './openapi.ts';
import { operations } from './operations.ts';

/** Prints the OpenAPI document: what docs/openapi.json has to be. */
console.log(JSON.stringify(openApiOf(operations), undefined, 2));
