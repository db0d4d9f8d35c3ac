import { addressSubject } from '#events';

/** Shorter names are parts of words by chance. */
const partMin = 4;

/**
 * Whether a text that stays on record names the subject: by its id, in letters of any case and with or without its kind; one that is
 * shorter than four characters only as a word of its own.
 */
export function isNamedIn(text: string, subject: string): boolean {
  const idOf = (name: string): string => folded(name.slice(name.indexOf(':') + 1)).trim();
  const id = idOf(subject);
  const spellings = [id, idOf(addressSubject(id) ?? '')].filter((one) => one !== '');
  return spellings.some((one) => isIn(folded(text), one));
}

function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

function isIn(text: string, id: string): boolean {
  const isLetter = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);
  for (let at = text.indexOf(id); at >= 0; at = text.indexOf(id, at + 1)) {
    if ([...id].length >= partMin || (!isLetter(text[at - 1]) && !isLetter(text[at + id.length]))) return true;
  }
  return false;
}
