/**
 * Makes build/player.html: the compiled player with its libraries, styles and faces in one file that
 * needs no server. Run after `tsc -b`. The bundler is the one that the test runner brings along.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'rolldown';

const HERE = import.meta.dirname;
const require = createRequire(import.meta.url);

/** Latin alone: Chinese is set in the reader's own faces, here as in the lab. */
const FACES = [
  [
    'Source Sans 3 Variable',
    '200 900',
    '@fontsource-variable/source-sans-3/files/source-sans-3-latin-wght-normal.woff2',
  ],
  [
    'JetBrains Mono Variable',
    '100 800',
    '@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2',
  ],
];

const { output } = await build({
  input: path.join(HERE, 'dist/main.js'),
  platform: 'browser',
  // `use client` is for the lab's server; here is no server.
  onLog: (level, log, say) => {
    if (log.code !== 'MODULE_LEVEL_DIRECTIVE') say(level, log);
  },
  transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  output: { format: 'iife', minify: true },
  write: false,
});
const script = output[0].code;

const styles = [
  ...FACES.map(face),
  css(require.resolve('@terrarium/views/tokens.css')),
  css(require.resolve('@xterm/xterm/css/xterm.css')),
  css(require.resolve('@terrarium/views/views.css')),
  css(path.join(HERE, 'src/player.css')),
];

// As functions: a `$&` in the code is no pattern here.
const page = fs
  .readFileSync(path.join(HERE, 'template.html'), 'utf8')
  .replace('/*STYLE*/', () => styles.join('\n'))
  .replace('/*SCRIPT*/', () => inElement(script));
fs.mkdirSync(path.join(HERE, 'build'), { recursive: true });
fs.writeFileSync(path.join(HERE, 'build/player.html'), page);

/** A style sheet with what it imports in its place. */
function css(file) {
  return fs
    .readFileSync(file, 'utf8')
    .replace(/@import\s+"(\.[^"]+)";/g, (_, name) => css(path.join(path.dirname(file), name)));
}

function face([family, weights, file]) {
  const data = fs.readFileSync(require.resolve(file)).toString('base64');
  return `@font-face{font-family:'${family}';font-weight:${weights};font-display:swap;src:url(data:font/woff2;base64,${data}) format('woff2')}`;
}

/** The end of an element must not stand in its text; in a string both spellings are the same. */
function inElement(code) {
  return code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}
