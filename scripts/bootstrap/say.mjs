/** A failure that is told in one sentence, without a stack trace. */
export class PlainError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Progress goes to standard error, so that a command's own output stays clean for scripts. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

const sentences = [
  [/ENOSPC|no space left/i, (where) => `The disk is full: free some space for ${where} and run the command again.`],
  [/EROFS|read-only file system/i, (where) => `${where} is on a read-only file system: run the command in a writable copy of the project.`],
  [/EACCES|EPERM|permission denied/i, (where) => `No permission to write in ${where}: run the command as the folder's owner, or change its owner.`],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|network/i,
    () => 'The npm registry cannot be reached: check the network (or the proxy settings of npm) and run the command again.',
  ],
];

/** The sentence for a failure of the machine, or undefined when the text tells of none. */
export function sentenceFor(text, where) {
  return sentences.find(([pattern]) => pattern.test(text))?.[1](where);
}

/** Rethrows an error of the file system as a sentence about `where`. */
export function explain(error, where) {
  const sentence = error instanceof PlainError ? undefined : sentenceFor(`${error?.code} ${error?.message}`, where);
  return sentence === undefined ? error : new PlainError(sentence);
}
