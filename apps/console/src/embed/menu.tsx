import { useEffect, useRef, useState } from 'react';
import { formatBitrate } from '../model/format.ts';
import { IconButton, type IconName } from './icons.tsx';
import type { Playback, PlaybackState } from './playback.tsx';

interface Choice {
  readonly value: number;
  readonly label: string;
  readonly detail?: string;
}

interface MenuProps {
  readonly id: string;
  readonly icon: IconName;
  readonly title: string;
  readonly choices: readonly Choice[];
  readonly chosen: number;
  onChoose(value: number): void;
}

/** A button and what it offers, one of which is chosen. */
function Menu({ id, icon, title, choices, chosen, onChoose }: MenuProps) {
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    place.current?.querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
    const close = (event: Event): void => {
      if (event instanceof globalThis.KeyboardEvent ? event.key === 'Escape' : !(place.current?.contains(event.target as Node) ?? false)) setOpen(false);
    };
    addEventListener('pointerdown', close);
    addEventListener('keydown', close);
    return () => {
      removeEventListener('pointerdown', close);
      removeEventListener('keydown', close);
    };
  }, [open]);
  return (
    <div className="menu" ref={place}>
      <IconButton icon={icon} label={title} id={id} pressed={open} onPress={() => setOpen(!open)} />
      {open ? (
        <div className="choices" role="menu" aria-label={title} onKeyDown={(event) => moveFocus(event.key, event.currentTarget) && event.stopPropagation()}>
          <p>{title}</p>
          {choices.map(({ value, label, detail }) => (
            <button
              type="button"
              role="menuitemradio"
              aria-checked={value === chosen}
              key={value}
              onClick={() => {
                onChoose(value);
                setOpen(false);
              }}
            >
              <span>{label}</span>
              {detail === undefined ? null : <small>{detail}</small>}
            </button>
          ))}
        </div>
      ) : null}
    </div>
  );
}

function moveFocus(key: string, menu: HTMLElement): boolean {
  const step = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0;
  if (step === 0) return key === ' ' || key === 'Enter';
  const items = [...menu.querySelectorAll<HTMLElement>('[role="menuitemradio"]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[(at + step + items.length) % items.length]?.focus();
  return true;
}

interface PlayerMenuProps {
  readonly playback: Playback;
  readonly state: PlaybackState;
}

export function QualityMenu({ playback, state: { levels, level, pinned } }: PlayerMenuProps) {
  if (levels.length < 2) return null;
  const rungs = levels.map(({ height, bitrate }, value) => ({ value, label: `${height}p`, detail: formatBitrate(bitrate), bitrate })).reverse();
  const current = levels[level];
  const auto = { value: -1, label: 'Auto', ...(pinned === -1 && current !== undefined ? { detail: `${current.height}p` } : {}) };
  return <Menu id="quality" icon="quality" title="Quality" choices={[auto, ...rungs]} chosen={pinned} onChoose={(value) => playback.pin(value)} />;
}

export function SoundMenu({ playback, state: { sounds, sound } }: PlayerMenuProps) {
  if (sounds.length < 2) return null;
  return (
    <Menu
      id="sound"
      icon="sound"
      title="Sound"
      choices={sounds.map((label, value) => ({ value, label }))}
      chosen={sound}
      onChoose={(value) => playback.listenTo(value)}
    />
  );
}

export function CaptionsMenu({ playback, state: { captions, caption } }: PlayerMenuProps) {
  if (captions.length === 0) return null;
  const choices = [{ value: -1, label: 'Off' }, ...captions.map(({ index, label }) => ({ value: index, label }))];
  return <Menu id="captions" icon="captions" title="Captions" choices={choices} chosen={caption} onChoose={(value) => playback.showCaptions(value)} />;
}
