"""What the stories of this folder share: each is a list of functions `name(server)`, run in order, each on a
server of its own; the first that fails ends the run with its name.
"""

import argparse
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from beckon_harness import LIMIT, Agent, Failure, Process, Server  # noqa: E402, F401

ALICE = ("alice@example.org", "wonderland")
BOB = ("bob@example.org", "looking-glass")


def check(good, what):
    if not good:
        raise Failure(what)


def equal(got, wanted, what):
    check(got == wanted, f"{what}: {got!r} instead of {wanted!r}")


def shards(number):
    return ["--shards", str(number)]


def run(stories, options=()):
    parser = argparse.ArgumentParser()
    parser.add_argument("--binaries", required=True)
    parser.add_argument("--shards", type=int, default=1)
    arguments = parser.parse_args()
    binaries = pathlib.Path(arguments.binaries).resolve()
    for story in stories:
        print(f"{story.__name__}: {story.__doc__}", flush=True)
        try:
            with Server(binaries, options=[*shards(arguments.shards), *options]) as server:
                server.add_user(*ALICE)
                server.add_user(*BOB)
                story(server)
        except Failure as failure:
            traceback.print_exc(limit=4)
            sys.exit(f"FAILED: {story.__name__}: {failure}")
    print(f"{len(stories)} passed, 0 failed")
