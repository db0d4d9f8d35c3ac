import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { checkout, generatedFiles } from './generate/generated-files.ts';

/** Writes docs/EVENTS.md, docs/schemas and docs/openapi.json; a test fails until they are as written here. */
for (const { path, text } of generatedFiles()) {
  await mkdir(dirname(checkout + path), { recursive: true });
  await writeFile(checkout + path, text);
  console.log(path);
}
