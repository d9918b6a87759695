"""`beckon test` as a user has it: installed in a folder of its own, with a scenario that the user wrote."""

import os
import re
import shutil
import subprocess

from story import ALICE, BOB, check, equal, parser, run

SCENARIO = """# Bob sees alice, and writes to her
alice, bob registers
alice allows bob
alice publishes open "at my desk"
bob watches alice
bob sees alice open "at my desk"
bob says "hi" to alice
alice gets "hi" from bob
"""


def beckon_test(program, folder, *words, path=None):
    environment = {**os.environ, "PATH": path if path is not None else os.environ["PATH"], "BECKON_SERVER": "udp:192.0.2.1:5060"}
    return subprocess.run([program, "test", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=200)


def install(folder):
    """Everything that `cmake --install` puts there."""
    prefix = folder / "installed"
    subprocess.run(["cmake", "--install", arguments.build, "--prefix", prefix], check=True, capture_output=True, text=True, timeout=200)
    return prefix / "bin/beckon"


def installed(server):
    """a scenario from an empty folder against the installed beckond; what fails, is missing or wrong has its exit code and its words"""
    beckon = install(server.data)
    folder = server.data / "elsewhere"
    folder.mkdir()
    (folder / "hello.txt").write_text(SCENARIO)
    done = beckon_test(beckon, folder, "hello.txt", "people/messages.txt", "rfc/rfc3261-options.txt", "--junit", "report.xml")
    equal(done.returncode, 0, f"exit code ({done.stdout}{done.stderr})")
    check(done.stdout.endswith("3 passed, 0 failed\n") and "passed: hello: Bob sees alice, and writes to her" in done.stdout, done.stdout)
    check('name="hello"' in (folder / "report.xml").read_text(), "the outcome in JUnit")
    (folder / "hello.txt").write_text(SCENARIO.replace('gets "hi"', 'gets "ho"') .replace("from bob", "from bob within 0.1s"))
    done = beckon_test(beckon, folder, "hello.txt")
    equal(done.returncode, 1, f"exit code of a failure ({done.stderr})")
    check('hello.txt:8: alice gets "ho" from bob within 0.1s' in done.stdout, done.stdout)
    for words, why in ((["nothing.txt"], "beckon test: no file or folder nothing.txt"),
                       (["hello.txt", "--server", "here"], "beckon test: --server here: beckond, kamailio, or udp:HOST:PORT"),
                       (["hello.txt", "--server", "udp:127.0.0.1:5060"], "beckon test: --accounts is needed")):
        done = beckon_test(beckon, folder, *words)
        equal(done.returncode, 2, f"exit code of {words} ({done.stdout}{done.stderr})")
        check(why in done.stderr, f"{words}: {done.stderr}")
    done = beckon_test(beckon, folder, "hello.txt", path=str(folder))
    equal(done.returncode, 2, "exit code without python3")
    check("python3 is missing; Debian: apt-get install python3 python3-jsonschema" in done.stderr, done.stderr)
    alone = shutil.copy(beckon, folder / "beckon")
    done = beckon_test(alone, folder, "hello.txt")
    equal(done.returncode, 2, "exit code without the harness")
    check("its scenarios are missing" in done.stderr, done.stderr)
    left = [each for each in (server.data / "installed/share/beckon").rglob("*") if each.name == "__pycache__"]
    equal(left, [], "nothing is written where it is installed")


def running(server):
    """the same scenario against a server that runs, from the build folder; the account file has the passwords"""
    scenario, accounts = server.data / "hello.txt", server.data / "accounts.txt"
    scenario.write_text(SCENARIO)
    accounts.write_text("".join(f"{name} {password}\n" for name, password in (ALICE, BOB)))
    host, port = "localhost", server.listen["tls"].rsplit(":", 1)[1]
    done = beckon_test(server.binaries / "beckon", server.data, "hello.txt", "--server", f"tls:{host}:{port}", "--accounts", "accounts.txt",
                       "--ca", server.certificate, "--xcap", f"https://{host}:{server.listen['https'].rsplit(':', 1)[1]}/xcap")
    equal(done.returncode, 0, f"exit code ({done.stdout}{done.stderr})")


def explained(server):
    """its help lists every step of a scenario, and has every option that beckon's own help and manual name"""
    said = beckon_test(server.binaries / "beckon", server.data, "--help")
    equal(said.returncode, 0, "exit code")
    check("NAME sees NAME open|closed" in said.stdout, said.stdout)
    help_of_it = subprocess.run([server.binaries / "beckon", "help", "test"], capture_output=True, text=True, timeout=60).stdout
    named = re.findall(r"^  (--[a-z-]+)", help_of_it, re.M)
    check(len(named) >= 6, help_of_it)
    equal([each for each in named if each not in said.stdout], [], "options that the harness does not have")


if __name__ == "__main__":
    words = parser()
    words.add_argument("--build", required=True, help="the folder that is installed from")
    arguments = words.parse_args()
    run([installed, running, explained], arguments=arguments)
