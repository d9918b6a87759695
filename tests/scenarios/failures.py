"""How a run ends that goes wrong: it names the step and what it stumbled over, and its exit code is not 0."""

import argparse
import contextlib
import io
import pathlib
import subprocess
import sys

from story import Failure, check, equal, run

DEMO = pathlib.Path(__file__).resolve().parent / "demo.py"


def whatever_goes_wrong(server):
    """a story that stumbles over anything, not only over a step that did not happen, ends the run with its name"""
    rows = [(Failure("bob is not there"), "bob is not there"),
            (subprocess.TimeoutExpired(["beckon"], 60), "TimeoutExpired: Command '['beckon']' timed out after 60 seconds"),
            (subprocess.CalledProcessError(3, ["npm"], stderr=b"no\nnetwork\n"), "CalledProcessError: Command '['npm']' "
             "returned non-zero exit status 3. no network"),
            (KeyError("status"), "KeyError: 'status'"),
            (OSError(98, "Address already in use"), "OSError: [Errno 98] Address already in use"),
            (TimeoutError("timed out"), "TimeoutError: timed out")]
    for error, words in rows:
        def stumbling(_):
            raise error

        said = None
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                run([stumbling], arguments=argparse.Namespace(binaries=server.binaries, shards=1))
        except SystemExit as end:
            said = end.code  # a text: Python prints it and exits with 1
        equal(said, f"FAILED: stumbling: {words}", "the last line")


def demo_without_programs(server):
    """the demo, too: here it finds no beckond to start"""
    done = subprocess.run([sys.executable, DEMO, "--binaries", server.data], capture_output=True, text=True, timeout=60)
    equal(done.returncode, 1, "exit code")
    last = done.stderr.splitlines()[-1]
    check(last.startswith("FAILED: beckond starts with an empty store and makes its certificate: FileNotFoundError: "),
          f"step and reason, not {last!r}")


if __name__ == "__main__":
    run([whatever_goes_wrong, demo_without_programs])
