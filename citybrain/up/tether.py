"""Runs a program that ends when its supervisor does, however that ended.

Linux keeps a parent-death signal over exec (prctl(2), PR_SET_PDEATHSIG), but not over a change of user; so
this small program changes the user where one is given, sets the signal, and becomes the program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def command(program: list[str], user: tuple[int, int] | None = None) -> list[str]:
    """The command line that runs `program` tethered to this process, as `user` (uid, gid) if given."""
    uid, gid = user or (-1, -1)
    # Isolated and without site packages: it starts in a few milliseconds.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(uid), str(gid), *program]


def become(parent: int, uid: int, gid: int, program: list[str]) -> None:
    """Turn this process into `program`."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent:
        sys.exit("the supervisor has ended already")
    os.execvp(program[0], program)  # noqa: S606  (a command line that `up` made)


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
