/** Where a publisher wants to go, however its encoder splits the URL. */
export interface PublishPath {
  readonly app: string;
  /** What the publisher calls its stream: the stream key. Empty when it gave none. */
  readonly key: string;
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function splitQuery(text: string): { path: string; query: string } {
  const at = text.indexOf('?');
  return at < 0 ? { path: text, query: '' } : { path: text.slice(0, at), query: text.slice(at + 1) };
}

function queryValue(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at) === name) return pair.slice(at + 1);
  }
  return undefined;
}

/**
 * Puts `connect`'s app and `publish`'s name together. Encoders differ: `live/` with a trailing slash, the key as a second
 * part of the app (a whole URL pasted into the server field), queries on either, or the key as a query's `key`.
 */
export function publishPathOf(app: string, name: string): PublishPath {
  const fromApp = splitQuery(app);
  const fromName = splitQuery(name);
  const [first = '', ...rest] = [...segmentsOf(fromApp.path), ...segmentsOf(fromName.path)];
  const key = queryValue(fromName.query, 'key') ?? queryValue(fromApp.query, 'key');
  const path = rest.join('/');
  if (key === undefined || path === key) return { app: first, key: path };
  // `<streamId>?key=<secret>` and `?key=<whole key>` are the same key in other clothes.
  return { app: first, key: path === '' || key.startsWith(`${path}-`) ? key : `${path}-${key}` };
}

/** The application alone, for the answer to `connect`. */
export function appOf(app: string): string {
  return segmentsOf(splitQuery(app).path)[0] ?? '';
}
