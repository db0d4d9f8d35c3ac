import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { EmbedPlayer } from './embed-player.tsx';
import { embedOptionsOf } from './options.ts';
import './embed.css';

const root = document.getElementById('root');
if (root === null) throw new Error('embed.html has no #root');
const options = embedOptionsOf(location.pathname, location.search);
if (options.title !== '') document.title = options.title;
createRoot(root).render(
  <StrictMode>
    <EmbedPlayer options={options} />
  </StrictMode>,
);
