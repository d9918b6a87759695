"""An account by one link: from `beckond user invite` over `beckon account add` to the first command, and what happens
when the link, the password or the server's certificate is not what it was."""

import subprocess

from story import ALICE, check, equal, run

CAROL = "carol@example.org"


def beckond(server, *words):
    return subprocess.run([server.beckond, *words, "--data", server.data], capture_output=True, text=True, timeout=60)


def beckon(server, *words, typed=None, home="home"):
    """As a person types it who has nothing but a home folder."""
    folder = server.data / home
    folder.mkdir(exist_ok=True)
    return subprocess.run([server.binaries / "beckon", *words], env={"HOME": str(folder)}, input=typed,
                          capture_output=True, text=True, timeout=60)


def invite(server, user):
    out = beckond(server, "user", "invite", user)
    equal(out.returncode, 0, f"exit code of the invitation ({out.stderr})")
    check(out.stdout.startswith(f"beckon:{user},server=tls:127.0.0.1:"), f"a link: {out.stdout!r}")
    return out.stdout.strip()


def succeeds(out, what):
    equal(out.returncode, 0, f"exit code of {what} ({out.stdout}{out.stderr})")
    return out


def one_link(server):
    """a link is all that a new user needs: registered, with a rule on the XCAP server, and no option given"""
    link = invite(server, CAROL)
    succeeds(beckon(server, "account", "add", link), "account add")
    succeeds(beckon(server, "register"), "register")
    succeeds(beckon(server, "allow", ALICE[0]), "allow, which goes over HTTPS")
    check("carol@example.org" in beckon(server, "account", "list").stdout, "she is listed")


def typed_link(server):
    """a link that is typed at the prompt, with blanks around it, works as well"""
    succeeds(beckon(server, "account", "add", typed=f"  {invite(server, CAROL)} \n"), "account add")
    succeeds(beckon(server, "register"), "register")


def second_invitation(server):
    """a second invitation gives a new password; the one before is void, and the client says so"""
    first = invite(server, CAROL)
    succeeds(beckon(server, "account", "add", first), "account add")
    second = invite(server, CAROL)
    out = beckon(server, "register")
    equal(out.returncode, 4, "exit code with the password before")
    succeeds(beckon(server, "account", "add", second), "account add")
    succeeds(beckon(server, "register"), "register")


def several_accounts(server):
    """two accounts in one home: the first is the default, the other is named before or behind the command"""
    succeeds(beckon(server, "account", "add", invite(server, CAROL)), "account add")
    succeeds(beckon(server, "account", "add", invite(server, "dave@example.org")), "account add")
    succeeds(beckon(server, "message", "dave", "hello"), "message")
    out = succeeds(beckon(server, "--account", "dave", "inbox"), "inbox")
    check(" carol " in out.stdout, f"carol's message waits for dave: {out.stdout}")
    out = succeeds(beckon(server, "inbox", "--account", "dave"), "inbox with the option behind it")
    check(" carol " in out.stdout, f"carol's message waits for dave: {out.stdout}")
    succeeds(beckon(server, "account", "remove", "carol"), "account remove")
    succeeds(beckon(server, "register"), "register of the only account")


def other_certificate(server):
    """a server with another certificate than the invitation's gets no password: exit code 9, and what to do"""
    succeeds(beckon(server, "account", "add", invite(server, CAROL)), "account add")
    succeeds(beckon(server, "register"), "register")
    server.stop()
    for name in ("cert.pem", "key.pem"):
        (server.data / name).unlink()
    server.start()
    out = beckon(server, "register")
    equal(out.returncode, 9, f"exit code ({out.stdout}{out.stderr})")
    check("another certificate than the one of the invitation" in out.stderr, f"the reason: {out.stderr}")
    succeeds(beckon(server, "account", "add", invite(server, CAROL)), "account add with a new invitation")
    succeeds(beckon(server, "register"), "register")


def at_a_stopped_server(server):
    """an invitation needs no running server, but one that has run"""
    server.stop()
    invite(server, CAROL)
    out = subprocess.run([server.beckond, "user", "invite", CAROL, "--data", server.data / "new"],
                         capture_output=True, text=True, timeout=60)
    equal(out.returncode, 2, "exit code where no server has run")
    check("--server tls:HOST:PORT" in out.stderr, f"what to do: {out.stderr}")


run([one_link, typed_link, second_invitation, several_accounts, other_certificate, at_a_stopped_server])
