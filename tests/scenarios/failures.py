"""How a run ends that goes wrong: it names the step and what it stumbled over, and its exit code is not 0."""

import argparse
import contextlib
import io
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from story import Failure, Server, check, equal, run  # first: it finds tests/support
from flow import Player, Story

DEMO = pathlib.Path(__file__).resolve().parent / "demo.py"
CONFORMANCE = pathlib.Path(__file__).resolve().parents[2] / "tools/conformance/run"


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


TEXT = """# Bob asks for alice's presence
with alice, bob
server has
    watcher_policy = "allow"

bob sends SUBSCRIBE to alice
    Event: presence
    Expires: 600
bob gets 200
    Expires: {granted}
bob gets NOTIFY, answers 200
    Event: presence
    Content-Type: application/pidf+xml

    <presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.org">
      <tuple id="{}"><status><basic>closed</basic></status></tuple>
    </presence>
"""


def text_story(server):
    """a story in a text file that goes otherwise says file, line and step, what it expected and what it got"""
    path = server.data / "text.txt"

    def said(text):
        path.write_text(text)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                Player(Story(path), Server(server.binaries), "udp").play()
        except Failure as failure:
            return str(failure)
        return "no failure"

    notify = "text.txt:11: bob gets NOTIFY, answers 200"
    rows = [("", "", "no failure"),
            ("bob gets 200\n", "bob gets 202\n", "text.txt:9: bob gets 202: expected 202, got 'SIP/2.0 200 OK'"),
            ("Expires: {granted}", "Expires: 599", "text.txt:9: bob gets 200: Expires: expected '599', got '600'"),
            ("Expires: {granted}", "Expires: {granted+1}", "text.txt:9: bob gets 200: {granted+1} is not known yet"),
            ("Expires: {granted}", "Expires: -", "text.txt:9: bob gets 200: Expires: expected none, got '600'"),
            ("Expires: {granted}", "Min-Expires: {}",
             "text.txt:9: bob gets 200: Min-Expires: expected '{}', got no such header"),
            ("Event: presence\n    Content", "Event: reg\n    Content",
             f"{notify}: Event: expected 'reg', got 'presence'"),
            (">closed<", ">open<", f"{notify}: /presence/tuple/status/basic: expected 'open', got 'closed'"),
            ("sip:alice@example.org\">", "sip:bob@example.org\">",
             f"{notify}: /presence: entity: expected 'sip:bob@example.org', got 'sip:alice@example.org'"),
            ("<basic>closed</basic>", "", f"{notify}: /presence/tuple/status: expected nothing more, got <basic>"),
            ("</tuple>", "<note>here</note></tuple>", f"{notify}: /presence/tuple: expected one more <note>, got none"),
            (", answers 200", "",
             "text.txt:11: bob gets NOTIFY: then the story is over, and bob has not answered the NOTIFY"),
            ("bob gets NOTIFY", "bob gets nothing\nbob gets NOTIFY",
             "text.txt:11: bob gets nothing: expected nothing, got 'NOTIFY "),
            ("bob sends", "carol sends", "text.txt:6: carol sends SUBSCRIBE to alice: nobody is called carol"),
            ("bob sends", "bob whispers", "text.txt:6: no step of a story: bob whispers SUBSCRIBE to alice")]
    for words, others, wanted in rows:
        check(words in TEXT, f"{words!r} is in the story")
        got = said(TEXT.replace(words, others, 1))
        check(got.startswith(wanted), f"{others!r}: expected {wanted!r}, got {got!r}")


def scenario_file(server):
    """a scenario that a user wrote and that goes otherwise: file, line, step, the ladder of all messages, JUnit, exit code 1"""
    path, report = server.data / "own.txt", server.data / "report.xml"
    path.write_text('# Alice greets bob\nalice, bob registers\nalice says "hi" to bob\nbob gets "ho" from alice within 0.1s\n')
    done = subprocess.run([sys.executable, CONFORMANCE, path, "--binaries", server.binaries, "--junit", report],
                          capture_output=True, text=True, timeout=120)
    equal(done.returncode, 1, f"exit code ({done.stderr[-300:]})")
    check('own.txt:4: bob gets "ho" from alice within 0.1s: bob: waited 0.1 s for message' in done.stdout, f"the step: {done.stdout}")
    check("alice --> server   MESSAGE sip:bob@example.org" in done.stdout, f"the ladder: {done.stdout}")
    check(done.stdout.endswith("0 passed, 1 failed\n"), "the last line")
    case = ElementTree.parse(report).find("testcase/failure")
    check("own.txt:4" in case.get("message") and "MESSAGE" in case.text, "the failure in JUnit")
    path.write_text("# Alice\nalice whispers\n")
    done = subprocess.run([sys.executable, CONFORMANCE, path, "--binaries", server.binaries], capture_output=True, text=True, timeout=120)
    check("own.txt:2: no step of a scenario: alice whispers" in done.stdout, f"what is no step: {done.stdout}")


if __name__ == "__main__":
    run([whatever_goes_wrong, demo_without_programs, text_story, scenario_file])
