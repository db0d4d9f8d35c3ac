/** The token of a reader of all events who has read up to now. */
export async function readerToken(gatewayUrl: string, key: string): Promise<string> {
  const response = await fetch(`${gatewayUrl}/api/v1/events/live?from=now`, { headers: { authorization: `Bearer ${key}` } });
  let text = '';
  // Who leaves this loop closes the connection.
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const token = /^id: (\S+)\n/m.exec(text)?.[1];
    if (token !== undefined) return token;
  }
  throw new Error(`The reader has no token: ${response.status} ${text}`);
}
