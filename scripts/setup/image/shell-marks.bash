# Terrarium: lets bash say where each command begins and ends, so that the page can show what a
# command did to the kernel. Read by every interactive bash, through /etc/bash.bashrc.
#
# The marks are OSC 133 sequences (https://gitlab.freedesktop.org/Per_Bothner/specifications),
# which terminals swallow silently. They stand in prompt strings alone, where bash fills them in by
# itself: no process is started, no trap is set, PROMPT_COMMAND stays yours, `set -x` shows nothing.
#
#   D;STATUS;at=TIME;pid=PID;since=TIME  the command is over       ┐
#   A                          a prompt begins                     │ PS1
#   B                          what is typed from here is a command ┘ PS1, PS2
#   P;k=s                      a prompt for more of it               PS2
#   C;at=TIME;pid=PID;since=TIME         the command begins          PS0
#
# TIME is the clock in seconds with six digits, PID is the shell's in its own pid namespace. In two
# such namespaces two shells may have one pid, so each also tells since when it reads this file.
#
# To switch it off:  TERRARIUM_MARKS=off bash     (or export that, for every bash from there on)
# A prompt of your own is fine:  PS1='\w> '       (ends of commands are then not told, starts are)

case ${TERRARIUM_MARKS-} in off) return 0 ;; esac

_since=$EPOCHREALTIME
PS0='\e]133;C;at=$EPOCHREALTIME;pid=$$;since='$_since'\a'"${PS0-}"
PS1='\[\e]133;D;$?;at=$EPOCHREALTIME;pid=$$;since='$_since'\a\e]133;A\a\]'"$PS1"'\[\e]133;B\a\]'
PS2='\[\e]133;P;k=s\a\]'"${PS2-> }"'\[\e]133;B\a\]'
unset _since
