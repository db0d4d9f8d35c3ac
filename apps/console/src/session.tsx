import { useCallback, useEffect, useState } from 'react';

const storageName = 'streams.key';

/** The sign-in link carries the key in the fragment, which never reaches a server or its logs. */
function keyFromFragment(): string | undefined {
  const key = new URLSearchParams(location.hash.slice(1)).get('key') ?? undefined;
  if (key !== undefined) {
    localStorage.setItem(storageName, key);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return key;
}

export interface Session {
  /** Empty when signed out. */
  readonly key: string;
  signIn(key: string): void;
  signOut(): void;
}

export function useSession(): Session {
  const [key, setKey] = useState(() => keyFromFragment() ?? localStorage.getItem(storageName) ?? '');
  useEffect(() => {
    const onHashChange = (): void => {
      const fresh = keyFromFragment();
      if (fresh !== undefined) setKey(fresh);
    };
    addEventListener('hashchange', onHashChange);
    return () => removeEventListener('hashchange', onHashChange);
  }, []);
  const signIn = useCallback((fresh: string) => {
    localStorage.setItem(storageName, fresh);
    setKey(fresh);
  }, []);
  const signOut = useCallback(() => {
    localStorage.removeItem(storageName);
    setKey('');
  }, []);
  return { key, signIn, signOut };
}
