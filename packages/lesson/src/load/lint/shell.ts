/**
 * Which programs a line typed into a shell starts. No shell: it knows words, quotes, and what begins
 * a command. Where it cannot tell (`$PROGRAM`, `./own`, the inside of quotes) it names nothing.
 */

/** Words of the shell's own, bash's and busybox's. */
const BUILTINS = new Set(
  `. : [ alias bg bind break builtin caller case cd command compgen complete continue declare dirs
  disown do done echo elif else enable esac eval exec exit export false fc fg fi for function
  getopts hash help history if in jobs kill let local logout mapfile popd printf pushd pwd read
  readarray readonly return select set shift shopt source suspend test then time times trap true
  type typeset ulimit umask unalias unset until wait while [[ ]] { } !`.split(/\s+/),
);
/** After these another command begins on the same words. */
const BEFORE_A_COMMAND = new Set(
  'if then else elif do while until time exec command builtin ! {'.split(' '),
);
const ALIASES = new Set(['ll']); // scripts/setup/images.mjs, etc/bash.bashrc

type Token = { readonly word: string } | { readonly operator: string };

/** Programs that a line starts by their bare names, in order. */
export function programsOf(line: string): string[] {
  const programs: string[] = [];
  const outer: boolean[] = []; // `begins` of what an open bracket interrupts
  let begins = true; // a command begins here
  let redirected = false; // a file's name comes next
  let before = '';
  for (const token of tokensOf(line)) {
    if ('operator' in token) {
      const { operator } = token;
      if (/^[0-9]*[<>]/.test(operator)) redirected = true;
      else if (operator.endsWith('(')) {
        outer.push(operator === '(' ? false : begins);
        begins = true;
      } else if (operator === ')') begins = before === '(' || (outer.pop() ?? true);
      else begins = true;
      before = operator;
      continue;
    }
    before = '';
    programs.push(...quoted(token.word).flatMap(programsOf));
    if (redirected) redirected = false;
    else if (begins && !/^[A-Za-z_]\w*=/.test(token.word)) {
      begins = BEFORE_A_COMMAND.has(token.word);
      if (isProgram(token.word)) programs.push(token.word);
    }
  }
  return programs;
}

/** Commands whose output stands between double quotes: "$(date)". */
function quoted(word: string): string[] {
  if (!word.includes('"')) return [];
  return [...word.matchAll(/\$\(([^()]+)\)/g)].map(([, line]) => line ?? '');
}

function isProgram(word: string): boolean {
  return /^[A-Za-z0-9][\w.+-]*$/.test(word) && !BUILTINS.has(word) && !ALIASES.has(word);
}

/** `cat <<'EOF'` → EOF: the lines up to it are a text. Null when no such text begins here. */
export function hereDocument(line: string): string | null {
  return /<<-?\s*(['"]?)(\w+)\1/.exec(line)?.[2] ?? null;
}

/** Names of the functions that a line defines. */
export function functionsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|[;&|]\s*)([A-Za-z_][\w-]*)\s*\(\)/g)].map(
    ([, name]) => name ?? '',
  );
}

/** One word or sign of a line; a comment ends it, a sum starts nothing. */
const TOKEN = new RegExp(
  [
    '(?<blank>\\s+)',
    '(?<comment>#.*$)',
    '(?<sum>\\$\\(\\(.*?\\)\\))',
    '(?<operator>[0-9]*(?:<<<|<<-?|>>|<|>)&?|&>|&&|\\|\\||;;|[;&|()`]|\\$\\()',
    `(?<word>(?:'[^']*'|"(?:\\\\.|[^"\\\\])*"|\\$\\{[^}]*\\}|\\\\.|\\$(?!\\()|[^\\s;&|<>()\`'"$])+)`,
    '(?<other>.)',
  ].join('|'),
  'y',
);

function tokensOf(line: string): Token[] {
  const tokens: Token[] = [];
  for (TOKEN.lastIndex = 0; ; ) {
    const groups = TOKEN.exec(line)?.groups;
    if (groups === undefined) return tokens;
    const { operator, word } = groups;
    if (operator !== undefined) tokens.push({ operator });
    else if (word !== undefined) tokens.push({ word });
  }
}
