import type { TextFormat } from './http-sink.ts';

/** How long browsers wait before they come back, ms. */
const retryMs = 1_000;

/** Server-sent events (WHATWG HTML section 9.2). The first id lets a reader resume even if it is cut off before the first event. */
export const sseFormat: TextFormat = {
  name: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  open: (token) => `retry: ${retryMs}\nid: ${token}\n\n`,
  event: (token, json) => `id: ${token}\ndata: ${json}\n\n`,
  // An id without data moves the reader's position past events that its filter left out.
  beat: (token) => `id: ${token}\n: heartbeat\n\n`,
  error: (problem) => `event: error\ndata: ${problem}\n\n`,
};

/** A JSON text per line (NDJSON), or per WebSocket message: `{token, live, event}`, `{token}`, `{token, problem}`. */
export const jsonFormat: TextFormat = {
  name: 'json',
  contentType: 'application/x-ndjson',
  open: (token) => `{"token":"${token}"}\n`,
  event: (token, json, live) => `{"token":"${token}","live":${live},"event":${json}}\n`,
  beat: (token) => `{"token":"${token}"}\n`,
  error: (problem, token) => `{"token":"${token}","problem":${problem}}\n`,
};
