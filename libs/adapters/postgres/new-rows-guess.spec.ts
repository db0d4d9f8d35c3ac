import { expect, test } from '@jest/globals';
import { NewRowsGuess } from './new-rows-guess.ts';

/** How many batches go by before it guesses again. */
function pauseOf(guess: NewRowsGuess): number {
  let batches = 0;
  while (!guess.ask(1000)) batches++;
  return batches;
}

test('guesses new rows until it was wrong, and then four times as rarely each time, up to a bound', () => {
  const guess = new NewRowsGuess();
  const pauses = [pauseOf(guess)];
  for (let n = 0; n < 4; n++) {
    guess.wasWrong();
    pauses.push(pauseOf(guess));
  }
  expect(pauses).toEqual([0, 4, 16, 64, 64]);
  guess.wasRight();
  guess.wasWrong();
  expect(pauseOf(guess)).toBe(4);
});

test('a small batch is not worth a guess, and does not count', () => {
  const guess = new NewRowsGuess();
  guess.wasWrong();
  for (let n = 0; n < 10; n++) expect(guess.ask(10)).toBe(false);
  expect(pauseOf(guess)).toBe(4);
});
