interface Route {
  readonly method: string;
  readonly pattern: RegExp;
}

/** Which methods a path has: what tells "not here" from "not like this" (RFC 9110 section 15.5.6). */
export class RouteTable {
  readonly #routes: Route[] = [];

  add(method: string | readonly string[], url: string): void {
    // The console's catch-all answers every GET; it says nothing about a path.
    if (url === '/*' || url === '*') return;
    const source = url
      .split('/')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+'))
      .join('/');
    const pattern = new RegExp(`^${source}/?$`);
    for (const each of typeof method === 'string' ? [method] : method) this.#routes.push({ method: each, pattern });
  }

  methodsOf(path: string): string[] {
    return [...new Set(this.#routes.filter((route) => route.pattern.test(path)).map((route) => route.method))].sort();
  }
}
