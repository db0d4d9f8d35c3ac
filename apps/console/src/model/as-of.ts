/** The moment that the address asks for (`?asOf=`, RFC 3339); undefined for now. */
export function asOfOf(route: string): string | undefined {
  const text = new URLSearchParams(route.includes('?') ? route.slice(route.indexOf('?') + 1) : '').get('asOf');
  return text === null || Number.isNaN(Date.parse(text)) ? undefined : new Date(text).toISOString();
}

/** The same page at another moment. */
export function routeAsOf(route: string, asOf: string | undefined): string {
  const [path = ''] = route.split('?');
  return `#/${path}${queryOf(asOf)}`;
}

/** What goes behind the path of a call or a playlist. */
export function queryOf(asOf: string | undefined): string {
  return asOf === undefined ? '' : `?${new URLSearchParams({ asOf })}`;
}
