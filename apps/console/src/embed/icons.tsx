const paths = {
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M6.5 5h4v14h-4zM13.5 5h4v14h-4z',
  again: 'M12 5V1.5L6.5 6 12 10.5V7a5.5 5.5 0 1 1-5.5 5.5h-2A7.5 7.5 0 1 0 12 5z',
  start: 'M5 5h2.4v14H5zM19 5v14L8.6 12z',
  loud: 'M3.5 9v6h4l5 4.5v-15l-5 4.5zM15 8.2v7.6a4 4 0 0 0 0-7.6zm0-4.1v2.1a6.2 6.2 0 0 1 0 11.6v2.1a8.2 8.2 0 0 0 0-15.8z',
  muted: 'M3.5 9v6h4l5 4.5v-15l-5 4.5zM20.9 9.5l-1.4-1.4-2.3 2.4-2.4-2.4-1.4 1.4 2.4 2.4-2.4 2.4 1.4 1.4 2.4-2.4 2.3 2.4 1.4-1.4-2.3-2.4z',
  captions:
    'M4 5h16a1.5 1.5 0 0 1 1.5 1.5v11A1.5 1.5 0 0 1 20 19H4a1.5 1.5 0 0 1-1.5-1.5v-11A1.5 1.5 0 0 1 4 5zm6.8 5.6a3 3 0 1 0 0 2.8H9.1a1.3 1.3 0 1 1 0-2.8zm7 0a3 3 0 1 0 0 2.8h-1.7a1.3 1.3 0 1 1 0-2.8z',
  sound:
    'M4 5h16a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 20 16h-8l-4.5 4v-4H4a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 4 5zm3 4.6v1.8h1.6V9.6zm4.2-1.6v5h1.6V8zm4.2 1.6v1.8H17V9.6z',
  quality: 'M4 7h9.2a3 3 0 0 1 5.6 0H20v2h-1.2a3 3 0 0 1-5.6 0H4zm0 8h1.2a3 3 0 0 1 5.6 0H20v2h-9.2a3 3 0 0 1-5.6 0H4z',
  window: 'M3.5 5h17v14h-17zm2 2v10h13V7zm6.5 4.5h5V16h-5z',
  full: 'M4 4h6v2H6v4H4zm10 0h6v6h-2V6h-4zM4 14h2v4h4v2H4zm14 0h2v6h-6v-2h4z',
  small: 'M8 4h2v6H4V8h4zm6 0h2v4h4v2h-6zM4 14h6v6H8v-4H4zm10 0h6v2h-4v4h-2z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} fill="currentColor" fillRule="evenodd" />
    </svg>
  );
}

interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly id?: string;
  readonly pressed?: boolean;
  onPress(): void;
}

export function IconButton({ icon, label, id, pressed, onPress }: IconButtonProps) {
  return (
    <button type="button" className={`icon ${id ?? ''}`} aria-label={label} title={label} aria-pressed={pressed} data-testid={id} onClick={onPress}>
      <Icon name={icon} />
    </button>
  );
}
