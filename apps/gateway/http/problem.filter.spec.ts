import { expect, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#runtime';
import { refusePlaylist } from '../origin/origin.controller.ts';
import { unavailable } from './problem.errors.ts';
import { sendProblem } from './problem.filter.ts';

/** What was logged of an error that a request ended with, and the status of its answer. */
function sent(error: unknown): { readonly lines: readonly unknown[]; readonly status: number } {
  const lines: unknown[] = [];
  const level = (name: string) => (fields: object, text: string) => lines.push([name, Object.keys(fields).toSorted(), text]);
  const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((name) => [name, level(name)])) as unknown as Logger;
  let status = 0;
  const reply = {
    raw: { headersSent: false },
    sent: false,
    headers: () => reply,
    type: () => reply,
    send: () => reply,
    status: (to: number) => ((status = to), reply),
  };
  sendProblem(reply as unknown as FastifyReply, { id: 'r', url: '/live/st/a.m3u8?_HLS_msn=9' } as FastifyRequest, error, logger);
  return { lines, status };
}

function refused(kind: 'late' | 'full'): unknown {
  try {
    refusePlaylist({ kind }, 'st');
  } catch (error) {
    return error;
  }
}

test('a viewer who waited for what did not come is no failure of ours, and has no stack', () => {
  expect(sent(refused('late'))).toEqual({ lines: [['debug', ['path', 'requestId'], 'It did not come within three target durations.']], status: 503 });
  expect(sent(refused('full'))).toEqual({ lines: [['info', ['path', 'requestId'], 'Too many requests are waiting here already.']], status: 503 });
});

test('an engine that is away is told with its cause, and a mistake of ours as an error', () => {
  expect(sent(unavailable('away', new Error('x')))).toEqual({ lines: [['warn', ['err', 'path', 'requestId'], 'away']], status: 503 });
  expect(sent(new TypeError('x'))).toMatchObject({ lines: [['error', ['err', 'path', 'requestId'], expect.anything()]], status: 500 });
});
