import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname } from 'node:path';
import type { GeneratedFile } from './generate/event-docs.ts';
import { checkout, generatedFiles } from './generate/generated-files.ts';

/** More than it will ever be; by default a megabyte is too much. */
const openApiBytesMax = 64 * 1024 * 1024;

/** The gateway describes itself; scripts know no app from inside. */
function openApiFile(): GeneratedFile {
  const text = execFileSync(process.execPath, ['--no-warnings', `${checkout}dist/apps/gateway/openapi/openapi.main.js`], {
    encoding: 'utf8',
    maxBuffer: openApiBytesMax,
  });
  return { path: 'docs/openapi.json', text };
}

/** Writes docs/EVENTS.md, docs/METRICS.md, docs/schemas, docs/asyncapi.json, docs/released-schemas.json, docs/openapi.json and the code of the gRPC contracts; tests fail until they are as written here. */
for (const { path, text } of [...generatedFiles(), openApiFile()]) {
  await mkdir(dirname(checkout + path), { recursive: true });
  await writeFile(checkout + path, text);
  console.log(path);
}

/** The code of the gRPC contracts; `proto/buf.gen.yaml` says where it goes. */
const programs = `${checkout}node_modules/.bin`;
execFileSync(`${programs}/buf`, ['generate'], {
  cwd: `${checkout}proto`,
  env: { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}` },
  stdio: 'inherit',
});
console.log('apps/gateway/grpc/generated');
