import type { Operation } from '../http/operation.ts';
import { openApiOf, type JsonObject } from './openapi.ts';

function escape(text: unknown): string {
  return String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function typeOf(schema: JsonObject): string {
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' | ');
  if (schema['const'] !== undefined) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['anyOf'])) return schema['anyOf'].map((each) => typeOf(each as JsonObject)).join(' | ');
  if (schema['type'] === 'array') return `${typeOf((schema['items'] ?? {}) as JsonObject)}[]`;
  return String(schema['type'] ?? 'any');
}

function row(name: string, schema: JsonObject, required: boolean, description: unknown): string {
  const fallback = schema['default'] === undefined ? '' : ` Default: <code>${escape(JSON.stringify(schema['default']))}</code>.`;
  return `<tr><td><code>${escape(name)}</code>${required ? '' : ' <i>optional</i>'}</td><td>${escape(typeOf(schema))}</td><td>${escape(description ?? '')}${fallback}</td></tr>`;
}

function fieldRows(schema: JsonObject, prefix = ''): string {
  const required = (schema['required'] ?? []) as string[];
  return Object.entries((schema['properties'] ?? {}) as Record<string, JsonObject>)
    .map(([name, property]) => {
      const items = property['type'] === 'array' ? ((property['items'] ?? {}) as JsonObject) : property;
      const inner = items['properties'] === undefined ? '' : fieldRows(items, `${prefix}${name}${property['type'] === 'array' ? '[]' : ''}.`);
      return row(prefix + name, property, required.includes(name), property['description']) + inner;
    })
    .join('');
}

function table(title: string, rows: string): string {
  return rows === '' ? '' : `<h4>${title}</h4><table>${rows}</table>`;
}

interface DocumentedOperation {
  readonly summary: string;
  readonly description: string;
  readonly parameters?: ReadonlyArray<{ name: string; in: string; required: boolean; description?: string; schema: JsonObject }>;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: JsonObject }> };
  readonly responses: Record<string, { readonly description: string; readonly content?: Record<string, { readonly schema: JsonObject }> }>;
}

function section(method: string, path: string, op: DocumentedOperation): string {
  const parameters = (op.parameters ?? []).map((each) => row(`${each.name}`, each.schema, each.required, `${each.description ?? ''} (${each.in})`)).join('');
  const body = Object.values(op.requestBody?.content ?? {})
    .map((each) => fieldRows(each.schema))
    .join('');
  const answers = Object.entries(op.responses)
    .map(([status, each]) => `<tr><td>${status}</td><td>${escape(each.description)}</td></tr>`)
    .join('');
  const success = Object.entries(op.responses)
    .filter(([status]) => status < '300')
    .flatMap(([, each]) => Object.values(each.content ?? {}))
    .map((each) => fieldRows(each.schema))
    .join('');
  return `<section><h3><b>${method.toUpperCase()}</b> ${escape(path)}</h3><p>${escape(op.summary)}. ${escape(op.description).replace(/`([^`]+)`/g, '<code>$1</code>')}</p>${table('Parameters', parameters)}${table('Body', body)}${table('Answer', success)}${table('Statuses', answers)}</section>`;
}

const style =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%;font-size:.9rem}td{border-top:1px solid #8884;padding:.3rem .6rem;vertical-align:top;overflow-wrap:anywhere}section{margin:2.5rem 0}h3 b{color:#2a7;margin-right:.5rem}h4{margin:.8rem 0 .2rem}code{font-size:.9em}i{opacity:.6}';

/** The API's documentation as one page without scripts. */
export function docsPage(operations: readonly Operation[]): string {
  const { paths } = openApiOf(operations) as { paths: Record<string, Record<string, DocumentedOperation>> };
  const sections = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, op]) => section(method, path, op)));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Streams API</title><style>${style}</style></head><body><h1>Streams API</h1><p>Send an API key with each request: <code>Authorization: Bearer sk_…</code>. Every failure is an RFC 9457 problem document. The same in OpenAPI 3.1: <a href="/api/v1/openapi.json">openapi.json</a>.</p>${sections.join('')}</body></html>`;
}
