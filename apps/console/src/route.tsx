import { useEffect, useState } from 'react';

const routeOf = (hash: string): string => hash.replace(/^#\/?/, '');

/** What stands behind `#/` in the address: the name of a page, and whatever the page makes of the rest. */
export function useRoute(): string {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const onHashChange = (): void => setRoute(routeOf(location.hash));
    addEventListener('hashchange', onHashChange);
    return () => removeEventListener('hashchange', onHashChange);
  }, []);
  return route;
}
