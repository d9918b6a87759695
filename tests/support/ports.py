"""Ports for programs that have to be told theirs. All others take port 0.

The system gives port 0 a number of its own range; these are taken below that, and a lock keeps each for one run until the
run ends.
"""

import fcntl
import pathlib
import random
import tempfile

FIRST = 10000
HELD = []  # the locks of this run


def taken(protocol):
    """The local ports of all sockets for "tcp" or "udp"."""
    tables = [pathlib.Path(f"/proc/net/{protocol}{version}") for version in ("", "6")]
    lines = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return {int(words[1].rpartition(":")[2], 16) for words in lines}


def reserve_port():
    """A port that nobody has, for TCP and UDP, and nobody gets who asks here."""
    end = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    folder = pathlib.Path(tempfile.gettempdir()) / "beckon-ports"
    folder.mkdir(exist_ok=True)
    while True:
        port = random.randrange(FIRST, max(end, FIRST + 1))
        lock = (folder / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        HELD.append(lock)
        if port not in taken("tcp") | taken("udp"):
            return port
