import { Parser } from '@asyncapi/parser';
import { expect, test } from '@jest/globals';
import { catalogue, contexts } from '#events';
import { readFile } from 'node:fs/promises';
import { checkout } from './generated-files.ts';

test('the AsyncAPI document is valid, and names every event, and what may be published', async () => {
  const { document, diagnostics } = await new Parser().parse(await readFile(`${checkout}docs/asyncapi.json`, 'utf8'));
  expect(diagnostics.filter(({ severity }) => Number(severity) === 0).map(({ message, path }) => `${path.join('.')}: ${message}`)).toEqual([]);
  expect(
    document
      ?.channels()
      .all()
      .map((channel) => channel.address()),
  ).toEqual([...contexts]);
  expect(
    document
      ?.allMessages()
      .all()
      .map((message) => message.name())
      .sort(),
  ).toEqual(catalogue.map(({ type }) => type).sort());
  const open = document
    ?.operations()
    .filterByReceive()
    .flatMap((operation) =>
      operation
        .messages()
        .all()
        .map((message) => message.name()),
    );
  expect(open?.sort()).toEqual(
    catalogue
      .filter(({ publishers }) => publishers === 'anyone')
      .map(({ type }) => type)
      .sort(),
  );
});
