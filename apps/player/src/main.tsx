/** The player's first line: draws it into the page. */
import { createRoot } from 'react-dom/client';
import { Player } from './player.js';

const place = document.getElementById('player');
if (place !== null) createRoot(place).render(<Player />);
