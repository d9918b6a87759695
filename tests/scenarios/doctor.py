"""`beckon doctor`: what it says where all is well, and where one thing is not."""

import json
import subprocess

from story import ALICE, check, equal, run


def beckon(server, *words):
    folder = server.data / "home"
    folder.mkdir(exist_ok=True)
    return subprocess.run([server.binaries / "beckon", *words], env={"HOME": str(folder)}, capture_output=True, text=True,
                          timeout=60)


def invite(server):
    link = subprocess.run([server.beckond, "user", "invite", ALICE[0], "--data", server.data], capture_output=True,
                          text=True, timeout=60, check=True).stdout.strip()
    equal(beckon(server, "account", "add", link).returncode, 0, "exit code of account add")


def examined(server, code, *words):
    """The findings by check, and the exit code they must give."""
    out = beckon(server, *words, "--json", "doctor")
    equal(out.returncode, code, f"exit code ({out.stdout}{out.stderr})")
    return {finding["check"]: finding for finding in map(json.loads, out.stdout.splitlines())}


def all_well(server):
    """an account by invitation: every check is good, the clock among them, and nothing is to do"""
    invite(server)
    found = examined(server, 0)
    equal({name: each["grade"] for name, each in found.items()},
          dict.fromkeys(("name", "port", "certificate", "server", "clock", "network", "documents"), "good"), "findings")
    check("is the one of the invitation" in found["certificate"]["what"], f"the certificate: {found}")
    check("direct sessions" in found["server"]["what"], f"the server: {found}")
    out = beckon(server, "doctor")
    check("good     clock" in out.stdout and "->" not in out.stdout, f"the same for people: {out.stdout}")


def nobody_there(server):
    """a server that is not running: the port, what to do, exit code 3"""
    invite(server)
    server.stop()
    found = examined(server, 3)
    equal(found["port"]["grade"], "bad", "grade of the port")
    check("is the server running" in found["port"]["advice"], f"the advice: {found}")


def distrusted(server):
    """a certificate that nobody vouches for, and another one than the invitation's: what to do, exit code 9"""
    found = examined(server, 9, "--account", ALICE[0], "--server", server.uri("tls"))
    check("--ca" in found["certificate"]["advice"], f"the advice: {found}")
    invite(server)
    server.stop()
    for name in ("cert.pem", "key.pem"):
        (server.data / name).unlink()
    server.start()
    found = examined(server, 9)
    check("for a new invitation" in found["certificate"]["advice"], f"the advice: {found}")


def in_clear(server):
    """UDP works, and others can read along; an XCAP server that is not there is named"""
    invite(server)
    xcap = f"https://{server.listen['https']}/xcap"
    found = examined(server, 0, "--server", server.uri("udp"), "--xcap", xcap)
    equal((found["certificate"]["grade"], found["server"]["grade"]), ("warning", "good"), "grades")
    found = examined(server, 3, "--server", server.uri("tcp"), "--xcap", "https://127.0.0.1:1/xcap")
    equal(found["documents"]["grade"], "bad", "grade of the documents")


run([all_well, nobody_there, distrusted, in_clear])
