import { describe, expect, test } from '@jest/globals';
import { translated } from './s3-errors.ts';
import type { S3Place } from './s3-place.ts';

const place = { endpoint: 'https://s3.example', bucket: 'full', prefix: '' } as unknown as S3Place;

function failure(name: string, message: string, httpStatusCode?: number): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

describe('what a store says, in a sentence', () => {
  test.each([
    ['an answer without a body', failure('Unknown', 'UnknownError', 403), 'refuses us the bucket full: 403 Forbidden. Check S3_ACCESS_KEY_ID'],
    ['an answer named by its status', failure('403', 'UnknownError', 403), 'refuses us the bucket full: 403 Forbidden. Check S3_ACCESS_KEY_ID'],
    [
      'an S3 code',
      failure('InvalidAccessKeyId', 'The key does not exist.', 403),
      'refuses us the bucket full: 403 Forbidden InvalidAccessKeyId: The key does not exist. Check',
    ],
    ['a code without words', failure('SignatureDoesNotMatch', 'UnknownError', 403), 'full: 403 Forbidden SignatureDoesNotMatch. Check'],
    ['no answer at all', failure('Error', 'connect ECONNREFUSED'), 'cannot be used now: Error: connect ECONNREFUSED.'],
    ['nothing', failure('', ''), 'cannot be used now: it gave no reason.'],
  ])('%s', (_what, error, sentence) => {
    expect(translated(error, place).message).toContain(sentence);
  });
});
