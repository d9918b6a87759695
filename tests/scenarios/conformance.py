"""What users aim at their own servers (tools/conformance), aimed at beckond."""

import pathlib
import subprocess
import sys

from story import ALICE, BOB, check, run

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "tools/conformance/run"


def conformance(server, *arguments):
    done = subprocess.run([sys.executable, PROGRAM, "--binaries", server.binaries, *arguments], capture_output=True, text=True,
                          timeout=200)
    check(done.returncode == 0, f"exit code {done.returncode}: {done.stdout[-3000:]} {done.stderr[-500:]}")
    return done.stdout


def everything(server):
    """every scenario and every flow, each with a beckond of its own"""
    said = conformance(server)
    check("rfc/rfc3903-publish" in said and "people/talk" in said, f"scenarios and flows were played: {said[-500:]}")


def running(server):
    """a server that somebody else runs, twice: what a file leaves behind does not disturb the next"""
    accounts = server.data / "accounts.txt"
    accounts.write_text("".join(f"{name} {password}\n" for name, password in (ALICE, BOB, ("carol@example.org", "caterpillar"))))
    server.add_user("carol@example.org", "caterpillar")
    files = ["people/messages.txt", "people/talk.txt", "people/who_is_there.txt", "rfc/rfc3261-register.txt", "rfc/rfc3261-cancel.txt",
             "rfc/rfc3428-message.txt", "rfc/rfc3903-publish.txt"]
    host, port = "localhost", server.listen["tls"].rsplit(":", 1)[1]
    for _ in range(2):
        said = conformance(server, "--server", f"tls:{host}:{port}", "--accounts", accounts, "--ca", server.certificate,
                           "--xcap", f"https://{host}:{server.listen['https'].rsplit(':', 1)[1]}/xcap", *files)
        check(said.endswith(f"{len(files)} passed, 0 failed\n"), f"the last line: {said[-200:]}")


if __name__ == "__main__":
    run([everything, running])
