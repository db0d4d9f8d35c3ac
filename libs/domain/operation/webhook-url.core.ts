const lengthMax = 2048;

/** What is wrong with a URL that events are to be posted to; undefined when nothing is. Where it leads is looked at by whoever posts. */
export function webhookUrlFault(text: string): string | undefined {
  if (text.length > lengthMax) return `Expected at most ${lengthMax} characters.`;
  if (!URL.canParse(text)) return 'Expected a URL such as https://example.com/hook.';
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'Expected https:// or http://.';
  if (url.username !== '' || url.password !== '') return 'Expected no name and password in it: it is on the record.';
  if (url.hash !== '') return 'Expected no "#": it would not be sent.';
  return undefined;
}
