import { Controller, Get, Header } from '@nestjs/common';
import { docsPage } from './docs-page.ts';
import { openApiOf, type JsonObject } from './openapi.ts';
import { operations } from './operations.ts';

/** The API's own description; public, because it says nothing that the source does not. */
@Controller()
export class DocsController {
  @Get('/api/v1/openapi.json')
  document(): JsonObject {
    return openApiOf(operations);
  }

  @Get('/api/v1/docs')
  @Header('content-type', 'text/html; charset=utf-8')
  page(): string {
    return docsPage(operations);
  }
}
