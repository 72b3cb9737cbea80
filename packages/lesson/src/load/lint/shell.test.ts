/** What is read out of a line of the shell, and what is left alone. */
import { describe, expect, it } from 'vitest';
import { functionsOf, hereDocument, programsOf } from './shell.js';

describe('programsOf', () => {
  it.each([
    ['sleep 1000 &', ['sleep']],
    ['cd /lab; mkdir A B; ls C | grep x && cat C/x', ['mkdir', 'ls', 'grep', 'cat']],
    ['grep NSpid /proc/$(pgrep -f "sleep 3")/status', ['grep', 'pgrep']],
    ['cp $(ldd /bin/ls | sed s/a/b/) root', ['cp', 'ldd', 'sed']],
    ['echo "it is $(date) now"', ['date']],
    ['for k in pid time; do unshare --$k true; done', ['unshare']],
    ['while true; do :; done', []],
    ['if grep -q a b; then ls; else nano c; fi', ['grep', 'ls', 'nano']],
    ['A=1 B=2 env', ['env']],
    ['echo x > out 2>&1; sort < in >> all', ['sort']],
    ['./own /bin/other $SHELL; [ $$ = 1 ] && exit', []],
    ['echo $((1 + sum)) # then make', []],
    ['echo \'a; make\' "b | make"', []],
    ['(sleep 1; ls) & ps', ['sleep', 'ls', 'ps']],
    ['exec unshare sh', ['unshare']],
  ])('%s', (line, programs) => expect(programsOf(line)).toEqual(programs));
});

it('knows where a text begins that is no command', () => {
  expect(hereDocument("cat > a.c <<'EOF'")).toBe('EOF');
  expect(hereDocument('cat <<END; ls')).toBe('END');
  expect(hereDocument('cat < a')).toBeNull();
});

it('knows the functions that a line defines', () => {
  expect(functionsOf('pids() { cat "$1"/cgroup.procs; }; b () { :; }')).toEqual(['pids', 'b']);
  expect(functionsOf('ls (')).toEqual([]);
});
