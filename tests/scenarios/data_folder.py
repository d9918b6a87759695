"""A data folder that has lost a file: nothing takes its place without a word."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from story import ALICE, Agent, Process, Server, check, equal, restart_with, run

STORE, USAGE = 4, 2  # exit codes


def start_again(server):
    """The exit code of a server that does not start, and what it printed."""
    process = Process([server.beckond, "run", "--data", server.data, "--domain", server.domain, "--listen", "tls:127.0.0.1:0",
                       *server.options])
    code = process.wait()
    return code, " / ".join(process.errors)


def read_only(server):
    """a folder that cannot be written: whose it is and what to do, from every command, and nothing of a disk"""
    is_root = os.geteuid() == 0  # who may write everywhere, and so becomes somebody else
    becomes = ["setpriv", "--reuid", "65534", "--clear-groups"] if is_root else []
    server.stop()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-"))
    try:
        (folder / "data").mkdir()
        shutil.copy(server.data / "users.db", folder / "data/users.db")
        (folder / "data").chmod(0o555)
        folder.chmod(0o755)
        program = shutil.copy(server.beckond, folder / "beckond")
        for words in (["run", "--listen", "udp:127.0.0.1:0"], ["user", "list"], ["user", "remove", "alice@example.org"]):
            out = subprocess.run([*becomes, program, *words, "--data", folder / "data"], capture_output=True, text=True,
                                 timeout=60)
            equal(out.returncode, STORE, f"exit code of {words}: {out.stderr}")
            wanted = "by nobody; it belongs to root: run beckond as that user" if is_root else ": chmod u+rwx"
            check("data cannot be written" in out.stderr and wanted in out.stderr, f"what to do: {out.stderr}")
    finally:
        (folder / "data").chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)


def refuses(server, code, *words):
    """The server does not start, prints why, and changes no file."""
    before = {each.name: each.read_bytes() for each in sorted(server.data.iterdir()) if each.is_file()}
    got, said = start_again(server)
    equal(got, code, f"exit code ({said})")
    for word in words:
        check(word in said, f"{word!r} is said, not {said!r}")
    after = {each.name: each.read_bytes() for each in sorted(server.data.iterdir()) if each.is_file()}
    equal(after.keys(), before.keys(), "files")
    check(after == before, "no file has changed")


def user_add(server, aor):
    return subprocess.run([server.beckond, "user", "add", aor, "--data", server.data], input="secret\n", text=True,
                          capture_output=True, timeout=60)


def damage(server, name, how):
    for beside in server.data.glob(name + "*"):  # the write-ahead log goes with its database
        beside.unlink()
    if how == "empty":
        (server.data / name).touch()


def users_lost(server):
    """users.db missing or empty beside state.db: exit 4, and `user add` does not make a new one either"""
    server.stop()
    for how in ("empty", "missing"):
        damage(server, "users.db", how)
        refuses(server, STORE, f"users.db is {how}, but state.db is not")
        done = user_add(server, "carol@example.org")
        equal(done.returncode, STORE, "exit code of user add")
        check(f"users.db is {how}" in done.stderr, f"user add says so, not {done.stderr!r}")
    damage(server, "state.db", "missing")  # what the sentence proposes
    server.start()


def state_emptied(server):
    """state.db empty beside users.db: exit 4, until it is removed"""
    server.stop()
    damage(server, "state.db", "empty")
    refuses(server, STORE, "state.db is empty, but users.db is not")
    damage(server, "state.db", "missing")
    server.start()


def state_lost(server):
    """state.db missing where the server has served before: a warning, and users still come in"""
    server.stop()
    damage(server, "state.db", "missing")
    server.start()
    check(any("state.db is missing" in line for line in server.process.errors), "a warning")
    with Agent(server, *ALICE) as alice:
        alice.run("register")
    server.stop()
    server.start()
    check(not any("state.db is missing" in line for line in server.process.errors), "no warning the next time")


def key_lost(server):
    """key.pem missing beside cert.pem, or the reverse: exit 2, and what is there is not overwritten"""
    server.stop()
    for lost, kept in (("key.pem", "cert.pem"), ("cert.pem", "key.pem")):
        octets = (server.data / lost).read_bytes()
        (server.data / lost).unlink()
        refuses(server, USAGE, f"{lost} is missing, but {kept} is not")
        (server.data / lost).write_bytes(octets)
    (server.data / "key.pem").write_bytes(b"")
    refuses(server, USAGE, "key.pem", "certificate or key cannot be used")
    for each in ("cert.pem", "key.pem"):
        (server.data / each).unlink()
    server.start()
    check((server.data / "key.pem").stat().st_size > 0, "a new pair")


def kill_first_start(fresh, name):
    """True if the server was killed when this file was there and before it printed that it serves."""
    process = Process([fresh.beckond, "run", "--data", fresh.data, "--listen", "tls:127.0.0.1:0", *fresh.options])
    there = False
    while not there and process.process.poll() is None and process.lines.empty():
        there = (fresh.data / name).exists()
    process.stop(signal.SIGKILL)
    return there and process.lines.get() is None  # None: the end of what it printed


def first_start_killed(server):
    """kill -9 as soon as one of its files is there: the next start makes up for it"""
    for name in ("users.db", "state.db", "state.db-wal", "key.pem.new", "key.pem", "cert.pem", "domains"):
        for _ in range(50):  # the server may be faster than the one who looks
            fresh = Server(server.binaries, domain=server.domain, options=server.options)
            try:
                killed = kill_first_start(fresh, name)
                fresh.start()
                check(not any("lost" in line for line in fresh.process.errors), f"after {name} nothing is said to be lost")
            finally:
                fresh.__exit__()
            if killed:
                break
        check(killed, f"a first start is killed when {name} is there")


def misspelt_folder(server):
    """a folder that is not there is named, and not made, by all that only look at users"""
    missing = server.data / "misspelt"
    for words in (["list"], ["passwd", "alice@example.org"], ["remove", "alice@example.org"]):
        done = subprocess.run([server.beckond, "user", *words, "--data", missing], input="x\n", capture_output=True, text=True,
                              timeout=60)
        check(done.returncode == 4 and "no such folder" in done.stderr, f"{words}: {done.returncode} {done.stderr!r}")
        check(not missing.exists(), "it is not made")


def memory_run(server):
    """after a run with --durability memory no state file is missed"""
    fresh = Server(server.binaries, domain=server.domain, options=[*server.options, "--durability", "memory"])
    with fresh:
        fresh.stop()
        check(not (fresh.data / "state.db").exists(), "no state file in memory")
        fresh.options = server.options
        fresh.start()
        check(not any("state.db" in line for line in fresh.process.errors), "no warning")


def configured_pair(server):
    """a configured certificate leaves the data folder's own alone, whole or not"""
    (server.data / "own.pem").write_bytes(server.certificate.read_bytes())
    (server.data / "own.key").write_bytes((server.data / "key.pem").read_bytes())
    (server.data / "key.pem").unlink()
    restart_with(server, f'[tls]\ncertificate = "{server.data}/own.pem"\nkey = "{server.data}/own.key"\n')
    check(not (server.data / "key.pem").exists(), "no key is made")


if __name__ == "__main__":
    run([users_lost, state_emptied, state_lost, key_lost, first_start_killed, misspelt_folder, read_only, memory_run, configured_pair])
