"""What the stories of this folder share: each is a list of functions `name(server)`, run in order, each on a
server of its own; the first that fails, for any reason, ends the run with its name and exit code 1.
"""

import argparse
import pathlib
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beckon_harness import LIMIT, Agent, Failure, Process, Server, reason  # noqa: E402, F401

ALICE = ("alice@example.org", "wonderland")
BOB = ("bob@example.org", "looking-glass")


def check(good, what):
    if not good:
        raise Failure(what)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: {got!r} instead of {wanted!r}")


def until(holds, what):
    """Asks again and again until `holds()`; each question takes its time at the server."""
    deadline = time.monotonic() + LIMIT
    while not holds():
        check(time.monotonic() < deadline, f"waited {LIMIT:.0f} s until {what}")


def shards(number):
    return ["--shards", str(number)]


def restart_with(server, toml):
    """The server again, with this configuration in a file of its own, which is returned."""
    config = server.data / "beckond.toml"
    config.write_text(toml)
    server.stop()
    server.options += ["--config", config]
    server.start()
    return config


def parser():
    """The options of every story; one that needs more adds them and gives `run` what was parsed."""
    words = argparse.ArgumentParser()
    words.add_argument("--binaries", required=True)
    words.add_argument("--shards", type=int, default=1)
    return words


def run(stories, options=(), arguments=None):
    arguments = arguments or parser().parse_args()
    binaries = pathlib.Path(arguments.binaries).resolve()
    for story in stories:
        print(f"{story.__name__}: {story.__doc__}", flush=True)
        try:
            with Server(binaries, options=[*shards(arguments.shards), *options]) as server:
                server.add_user(*ALICE)
                server.add_user(*BOB)
                story(server)
        except Exception as error:
            traceback.print_exc(limit=4)
            sys.exit(f"FAILED: {story.__name__}: {reason(error)}")
    print(f"{len(stories)} passed, 0 failed")
