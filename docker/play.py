"""One person of the demo's story, in a container: `play.py alice` or `play.py bob`."""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/support"))
from beckon_harness import Agent, Failure  # noqa: E402

PASSWORDS = {"alice": "wonderland", "bob": "looking-glass"}
TALK_SECONDS = 10


class Remote:
    """The server as the harness's Agent wants to know it."""

    binaries = pathlib.Path("/usr/local/bin")
    certificate = pathlib.Path("/server/cert.pem")
    listen = {"https": "beckond:5443"}

    def uri(self, transport):
        return f"{transport}:beckond:{5061 if transport == 'tls' else 5060}"


def show(agent, event):
    if event["event"] == "trace":
        print(f"{agent.name} {'->' if event['direction'] == 'sent' else '<-'} {event['summary']}", flush=True)


def meet(me, other):
    """Publishes, subscribes to the other, and approves the other's subscription."""
    for command in ({"command": "register"}, {"command": "subscribe", "to": me.aor, "package": "presence.winfo"},
                    {"command": "publish", "basic": "open", "note": f"{me.name} is here", "direct": "auto"},
                    {"command": "subscribe", "to": other}):
        me.run(**command)
    me.wait("watchers", where=lambda e: any(w["aor"] == other and w["status"] == "pending" for w in e["watchers"]))
    me.run("allow", watcher=other, direct="auto")
    me.wait("presence", of=other, where=lambda e: any(t.get("direct", {}).get("granted") for t in e["tuples"]))


def talk(me, other, folder):
    subprocess.run([Remote.binaries / "beckon-audio", "speech", folder / "voice.wav", "--seconds", str(TALK_SECONDS)],
                   check=True, stdout=subprocess.DEVNULL)
    me.run("media", play=str(folder / "voice.wav"), record=str(folder / "heard.wav"))
    if me.name == "alice":
        call = me.wait("call", direction="in", state="active")["call"]
        me.wait("call", call=call, state="ended", limit=TALK_SECONDS * 4)
    else:
        call = me.run("call", to=other)["call"]
        me.wait("call", call=call, state="active")
        while me.run("statistics", call=call) and me.wait("call-statistics", call=call)["sent"] < TALK_SECONDS * 50:
            pass
        me.run("hangup", call=call)
    figures = me.wait("call-statistics", call=call, where=lambda e: e["received"] > 0)
    print(f"{me.name}: sent {figures['sent']}, received {figures['received']}, lost {figures['lost']}", flush=True)


def play(name):
    other = "bob" if name == "alice" else "alice"
    folder = pathlib.Path(tempfile.mkdtemp())
    with Agent(Remote(), f"{name}@example.org", PASSWORDS[name], state=folder / "state", on_event=show) as me:
        meet(me, f"sip:{other}@example.org")
        if name == "bob":
            me.run("message", to=f"sip:{other}@example.org", text="Come and see.")
        else:
            me.wait("message", **{"from": f"sip:{other}@example.org"})
        talk(me, f"sip:{other}@example.org", folder)
        me.quit()


if __name__ == "__main__":
    try:
        play(sys.argv[1])
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
