"""Plays scenarios about people: text files, a line a step, each person with a real `beckon`.

    # Bob asks to see alice, and writes to her
    alice publishes open "at my desk"
    bob watches alice
    alice is asked by bob
    alice allows bob
    bob sees alice open "at my desk" within 5s
    bob says "hi" to alice
    alice gets "hi" from bob

    NAME, NAME, ... registers
    NAME unregisters
    NAME publishes open|closed ["NOTE"] [busy|away|...] [with direct ask|auto]
    NAME unpublishes
    NAME watches NAME
    NAME unwatches NAME
    NAME allows|blocks|politely blocks|confirms|forgets NAME [with direct ask|auto]
    NAME is asked by NAME [within 5s]
        A watcher who waits for a decision.
    NAME is watched by NAME [within 5s]
    NAME is not watched by NAME [within 5s]
    NAME sees NAME open|closed|unknown ["NOTE"] [busy|away|...] [within 5s]
    NAME waits for NAME [within 5s]
        Its subscription is pending.
    NAME is refused by NAME [within 5s]
        Its subscription has ended.
    NAME says "TEXT" to NAME
    NAME gets "TEXT" from NAME [within 5s]
    NAME calls NAME
    NAME answers [within 5s]
    NAME talks to NAME [within 5s]
        It calls, and the call is active; who only rings must answer first.
    NAME plays tone HERTZ
        In calls from now on; otherwise it is 440.
    NAME hears tone HERTZ [within 5s]
    NAME hangs up
    NAME leaves
        Without a word: the connection breaks.
    server lets everybody watch
        A scenario that has it needs nobody's leave; a `beckond` that is started for it has `watcher_policy = "allow"`.
    server dies
        Only one that this run has started; it comes back at once with what it has stored.

Of steps that are commands (`publishes`, `says`, ...) the end may say how they end: `, which fails: not-found` (a cause of
client/control) or `, which fails: 404`. A step that waits has 30 s unless it says `within`. A person is there from the first
line that names it.
"""

import dataclasses
import math
import pathlib
import re
import shutil
import signal
import struct
import tempfile
import time
import wave

from beckon_harness import LIMIT, Agent, Failure, Silence

OWN_TONE = 440


@dataclasses.dataclass
class Step:
    line: int
    text: str
    play: object
    words: dict


class Scenario:
    """A file, read: its title and its steps. `domain` takes the place of example.org."""

    def __init__(self, path, domain="example.org"):
        self.path, self.steps = pathlib.Path(path), []
        text = self.path.read_text().replace("example.org", domain)
        self.title = text.partition("\n")[0].lstrip("# ")
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                self.steps.append(self.read(number, line.strip()))

    def read(self, number, text):
        for pattern, play in STEPS:
            if found := re.fullmatch(pattern + r"(?:, which fails: (?P<cause>[\w-]+))?", text):
                return Step(number, text, play, {name: value for name, value in found.groupdict().items() if value})
        raise Failure(f"{self.path.name}:{number}: no step of a scenario: {text}")


def write_tone(path, hertz, seconds=60, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        second = b"".join(struct.pack("<h", round(8000 * math.sin(2 * math.pi * hertz * i / rate))) for i in range(rate))
        file.writeframes(second * seconds)


class Player:
    """Plays one scenario. `server`: a `Server`, or what looks like one (it has `password`, `domain`)."""

    def __init__(self, scenario, server, transport):
        self.scenario, self.server, self.transport = scenario, server, transport
        self.agents, self.calls, self.watching_own, self.ruled = {}, {}, set(), set()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beckon-people-"))

    def play(self):
        try:
            for step in self.scenario.steps:
                try:
                    step.play(self, **step.words)
                except (Failure, OSError) as error:
                    raise Failure(f"{self.scenario.path.name}:{step.line}: {step.text}: {error}") from error
            self.tidy()
        finally:
            for each in self.agents.values():
                each.__exit__()
            shutil.rmtree(self.folder, ignore_errors=True)

    def tidy(self):
        """A server that goes on after the scenario is left as it was found."""
        if self.server.goes_on:
            for name, watcher in self.ruled:
                self.agent(name).run("forget", ok=None, watcher=watcher)
            for name in list(self.agents):
                self.agents[name].quit()

    def ladder(self):
        """Every message of every person, in the order of their times."""
        rows = [(event["time"], name, event) for name, agent in self.agents.items() for event in agent.events
                if event["event"] in ("trace", "result", "call", "presence")]
        out = []
        for when, name, event in sorted(rows, key=lambda row: row[0]):
            if event["event"] == "trace":
                arrow = "-->" if event["direction"] == "sent" else "<--"
                out.append(f"{when[11:23]}  {name:>8} {arrow} server   {event['summary']}")
            elif event["event"] == "result" and not event["ok"]:
                out.append(f"{when[11:23]}  {name:>8}              {event['command']} ends: {event['cause']} "
                           f"{event.get('status', '')} {event.get('reason', '')}".rstrip())
            elif event["event"] in ("call", "presence"):
                what = event.get("state") or event.get("basic")
                out.append(f"{when[11:23]}  {name:>8}              {event['event']} {event.get('peer') or event.get('of')}: {what}")
        return "\n".join(out)

    # People

    def aor(self, name):
        return f"sip:{name}@{self.server.domain}"

    def agent(self, name):
        if name not in self.agents:
            account = f"{name}@{self.server.domain}"
            agent = Agent(self.server, account, self.server.password(account), transport=self.transport)
            self.agents[name] = agent
            agent.start()
            self.play_tone(name, OWN_TONE)
        return self.agents[name]

    def command(self, name, command, cause=None, **arguments):
        """Sends a command; `cause`: how it is to end, otherwise it must succeed."""
        result = self.agent(name).run(command, ok=None, **arguments)
        ends = (result["cause"], str(result.get("status", "")))
        if cause and cause not in ends:
            raise Failure(f"it ends with {' '.join(ends).strip()}, not with {cause}")
        if not cause and not result["ok"]:
            raise Failure(f"{' '.join(ends).strip()} {result.get('reason', '')}".strip())
        return result

    def until(self, name, within, holds, what):
        """Reads what comes to somebody until `holds()`."""
        agent, limit = self.agent(name), float(within or LIMIT)
        deadline = time.monotonic() + limit
        while not agent.process.lines.empty():
            agent._read_one(deadline, limit, what)
        while not (found := holds()):
            agent._read_one(deadline, limit, what)
        return found

    def last(self, name, event, **members):
        return next((each for each in reversed(self.agent(name).events)
                     if each["event"] == event and all(each.get(key) == value for key, value in members.items())), None)

    # Steps

    def do_register(self, names):
        for name in re.split(r",\s*", names):
            self.command(name, "register")

    def do_plain(self, name, verb, cause=None):
        self.command(name, {"unregisters": "unregister", "unpublishes": "unpublish"}[verb], cause)

    def do_publish(self, name, basic, note=None, activity=None, direct=None, cause=None):
        if direct:
            self.watch_own(name)
        self.command(name, "publish", cause, basic=basic, note=note, activity=activity, direct=direct)

    def watch_own(self, name):
        """The own watchers: who asks, and whom the server lets call."""
        if name not in self.watching_own:
            self.watching_own.add(name)
            self.command(name, "register")
            self.command(name, "subscribe", to=self.aor(name), package="presence.winfo")

    def do_watch(self, name, whom, cause=None):
        self.command(name, "subscribe", cause, to=self.aor(whom))

    def do_unwatch(self, name, whom, cause=None):
        self.command(name, "unsubscribe", cause, to=self.aor(whom))

    def do_rule(self, name, verb, whom, direct=None, cause=None):
        command = {"allows": "allow", "blocks": "block", "politely blocks": "politely-block", "confirms": "confirm",
                   "forgets": "forget"}[verb]
        self.ruled.add((name, self.aor(whom)))
        self.command(name, command, cause, watcher=self.aor(whom), direct=direct)

    def do_watcher(self, name, verb, whom, within=None):
        self.watch_own(name)
        status = ("pending", "waiting") if verb == "asked" else ("active",)

        def holds():
            event = self.last(name, "watchers")
            found = event and any(each["aor"] == self.aor(whom) and each["status"] in status for each in event["watchers"])
            return event and not found if verb == "not watched" else found
        self.until(name, within, holds, f"being {verb} by {whom}")

    def do_see(self, name, whom, basic, note=None, activity=None, within=None):
        def sees():
            event = self.last(name, "presence", of=self.aor(whom))
            return (event and event["basic"] == basic and (not activity or activity in event.get("activities", []))
                    and (not note or note in event.get("notes", []) or any(each.get("note") == note for each in event["tuples"])))
        words = " ".join(each for each in (whom, basic, note and f'"{note}"', activity) if each)
        try:
            self.until(name, within, sees, words)
        except Silence as error:
            raise Failure(f"{error}; it has seen {self.last(name, 'presence', of=self.aor(whom))}") from None

    def do_state(self, name, verb, whom, within=None):
        state = {"waits for": "pending", "is refused by": "terminated"}[verb]

        def holds():
            event = self.last(name, "subscription", to=self.aor(whom))
            return event and event["state"] == state
        self.until(name, within, holds, f"a subscription to {whom} that is {state}")

    def do_say(self, name, text, whom, cause=None):
        self.command(name, "message", cause, to=self.aor(whom), text=text)

    def do_get(self, name, text, whom, within=None):
        self.agent(name).wait("message", limit=float(within or LIMIT), text=text, **{"from": self.aor(whom)})

    def do_call(self, name, whom, cause=None):
        def granted():
            event = self.last(name, "presence", of=self.aor(whom))
            return event and any(each.get("direct", {}).get("granted") for each in event["tuples"])
        if not cause:
            self.until(name, None, granted, f"leave to call {whom} directly")
        result = self.command(name, "call", cause, to=self.aor(whom))
        self.calls[name] = result.get("call")

    def do_talk(self, name, whom, within=None):
        last = self.last(name, "call", call=self.calls.get(name))
        if not last or last["state"] == "ended":
            self.do_call(name, whom)
        agent, call = self.agent(name), self.calls[name]

        def active():
            event = self.last(name, "call", call=call)
            if event and event["state"] == "ended":
                raise Failure(f"the call has ended: {event.get('reason', '')}")
            return event and event["state"] == "active"
        self.until(name, within, active, f"a call with {whom} that is active")
        peer = self.agent(whom)
        event = peer.wait("call", limit=float(within or LIMIT), peer=agent.aor, state="active")
        self.calls[whom] = event["call"]

    def do_answer(self, name, within=None):
        event = self.agent(name).wait("call", limit=float(within or LIMIT), direction="in", state="ringing")
        self.calls[name] = event["call"]
        self.command(name, "answer", call=event["call"])

    def play_tone(self, name, hertz):
        voice = self.folder / f"{name}-{hertz}.wav"
        if not voice.exists():
            write_tone(voice, int(hertz))
        self.command(name, "media", play=str(voice))

    def do_hear(self, name, hertz, within=None):
        self.command(name, "wait audio", tone=int(hertz), within=f"{round(float(within or LIMIT) * 1000)}ms")

    def do_hang_up(self, name, cause=None):
        if not self.calls.get(name):
            raise Failure("it has no call")
        self.command(name, "hangup", cause, call=self.calls.pop(name))

    def do_leave(self, name):
        self.agents.pop(name).__exit__()

    def do_nothing(self):
        pass

    def do_crash(self):
        if not hasattr(self.server, "process"):
            raise Failure("this run has not started the server")
        self.server.stop(signal.SIGKILL)
        self.server.start()


NAME, WITHIN = r"(?P<name>\w+)", r"(?: within (?P<within>\d+(?:\.\d+)?)s)?"
WHOM, NOTE = r"(?P<whom>\w+)", r'(?: "(?P<note>[^"]*)")?'
ACTIVITY = r"(?: (?P<activity>(?!with\b)[a-z-]+))?"
DIRECT = r"(?: with direct (?P<direct>ask|auto))?"
STEPS = (
    (r"(?P<names>\w+(?:, \w+)*) registers?", Player.do_register),
    (rf"{NAME} (?P<verb>unregisters|unpublishes)", Player.do_plain),
    (rf"{NAME} publishes (?P<basic>open|closed){NOTE}{ACTIVITY}{DIRECT}", Player.do_publish),
    (rf"{NAME} watches {WHOM}", Player.do_watch),
    (rf"{NAME} unwatches {WHOM}", Player.do_unwatch),
    (rf"{NAME} (?P<verb>allows|blocks|politely blocks|confirms|forgets) {WHOM}{DIRECT}", Player.do_rule),
    (rf"{NAME} is (?P<verb>asked|watched|not watched) by {WHOM}{WITHIN}", Player.do_watcher),
    (rf"{NAME} sees {WHOM} (?P<basic>open|closed|unknown){NOTE}(?: (?P<activity>(?!within\b)[a-z-]+))?{WITHIN}", Player.do_see),
    (rf"{NAME} (?P<verb>waits for|is refused by) {WHOM}{WITHIN}", Player.do_state),
    (rf'{NAME} says "(?P<text>[^"]*)" to {WHOM}', Player.do_say),
    (rf'{NAME} gets "(?P<text>[^"]*)" from {WHOM}{WITHIN}', Player.do_get),
    (rf"{NAME} calls {WHOM}", Player.do_call),
    (rf"{NAME} talks to {WHOM}{WITHIN}", Player.do_talk),
    (rf"{NAME} answers{WITHIN}", Player.do_answer),
    (rf"{NAME} plays tone (?P<hertz>\d+)", Player.play_tone),
    (rf"{NAME} hears tone (?P<hertz>\d+){WITHIN}", Player.do_hear),
    (rf"{NAME} hangs up", Player.do_hang_up),
    (rf"{NAME} leaves", Player.do_leave),
    (r"server lets everybody watch", Player.do_nothing),
    (r"server dies", Player.do_crash),
)
