import { useCallback, useState, type SyntheticEvent } from 'react';

export interface KeptOpen {
  readonly open: boolean;
  onToggle(event: SyntheticEvent<HTMLDetailsElement>): void;
}

/** Whether a `details` stands open, as it did before the page was loaded anew; for as long as the tab is there. */
export function useKeptOpen(name: string): KeptOpen {
  const storageName = `streams.open.${name}`;
  const [open, setOpen] = useState(() => sessionStorage.getItem(storageName) !== null);
  const onToggle = useCallback(
    ({ currentTarget }: SyntheticEvent<HTMLDetailsElement>): void => {
      setOpen(currentTarget.open);
      if (currentTarget.open) sessionStorage.setItem(storageName, '');
      else sessionStorage.removeItem(storageName);
    },
    [storageName],
  );
  return { open, onToggle };
}
