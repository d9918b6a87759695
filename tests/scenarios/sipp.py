"""No story: runs SIPp and counts its calls. Debian's has UDP and TCP."""

import csv
import pathlib
import subprocess
import tempfile

from story import LIMIT, check  # first: it finds tests/support

FOLDER = pathlib.Path(__file__).resolve().parent / "sipp"
CALLS = 50


class Sipp:
    """One SIPp: `scenario` is the name of a file in `sipp`, or a scenario; `keys` are for the scenario."""

    def __init__(self, scenario, transport, *words, **keys):
        self.folder = tempfile.TemporaryDirectory(prefix="beckon-sipp-")
        self.statistics = pathlib.Path(self.folder.name) / "statistics.csv"
        path = FOLDER / f"{scenario}.xml"
        if scenario.startswith("<"):
            path = pathlib.Path(self.folder.name) / "scenario.xml"
            path.write_text(scenario)
        mode = {"udp": "u1", "tcp": "t1"}[transport]
        words += tuple(word for name, value in keys.items() for word in ("-key", name, value))
        # Without -auth_uri its credentials name the server, whatever they ask of it.
        self.process = subprocess.Popen(
            ["sipp", "-sf", path, "-t", mode, "-i", "127.0.0.1", "-m", str(CALLS), "-nostdin", "-trace_stat", "-stf",
             self.statistics, "-fd", "1", "-timeout", f"{LIMIT:.0f}s", "-timeout_error", *words], cwd=self.folder.name,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()

    def result(self):
        """(successful, failed) calls, at its end: its exit code is 0 when any of them passed."""
        _, errors = self.process.communicate(timeout=2 * LIMIT)
        check(self.statistics.exists(), f"SIPp ran: exit {self.process.returncode}: {errors[-500:]}")
        with self.statistics.open() as lines:
            last = list(csv.DictReader(lines, delimiter=";"))[-1]
        return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])
