"""What is installed beside `beckon`: mandoc finds nothing wrong with the pages of the manual, and bash, zsh and fish load their
completions and complete with them what a table below says."""

import argparse
import pathlib
import subprocess
import sys

# What is typed behind "beckon", the cursor at its end, and what is proposed, among others.
ROWS = [
    ("regi", ["register"]),
    ("--acc", ["--account"]),
    ("--account alice@example.org unpub", ["unpublish"]),
    ("contacts ", ["list", "add", "remove", "group"]),
    ("contacts add bob --gr", ["--group"]),
    ("publish ", ["open", "closed"]),
    ("publish open --direct ", ["off", "ask", "auto"]),
    ("--json allow bob --d", ["--direct", "--domain"]),
    ("help view", ["view-as"]),
    ("wait presence bob ", ["open", "closed"]),
    ("docto", ["doctor"]),
    ("account ", ["add", "list", "default", "remove"]),
    ("account list --js", ["--json"]),
    ("test --ser", ["--server"]),
    ("test hello.txt --transport ", ["udp", "tcp", "tls"]),
]


def run(words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=60)
    if done.returncode or done.stderr.strip():
        raise AssertionError(f"{words[0]}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def pages(folder):
    found = sorted(folder.glob("man1/*.1"))
    assert len(found) > 40, f"{len(found)} pages"
    run(["mandoc", "-Tlint", "-Wwarning", *map(str, found)])
    for page in found:
        assert page.stem.upper() in run(["mandoc", "-Tascii", str(page)]), f"{page} has its name at its head"


def bash(folder, typed):
    line = f"beckon {typed}"
    return run(["bash", "--norc"], f"source {folder}/bash/beckon\nCOMP_LINE='{line}'\nCOMP_POINT={len(line)}\n_beckon\n"
               'printf "%s\\n" "${COMPREPLY[@]}"\n').split()


def zsh(folder, typed):
    words = ["beckon", *typed.split(" ")]
    listed = " ".join(f"'{word}'" for word in words)
    # compadd exists within completion only; here it prints what fits.
    said = run(["zsh", "-f"], "compdef() { :; }\ncompadd() { shift; print -l -- \"$@\"; }\n"
               f"source {folder}/zsh/_beckon\nwords=({listed})\nCURRENT={len(words)}\n_beckon\n").split()
    return [word for word in said if word.startswith(words[-1])]


def fish(folder, typed):
    said = run(["fish", "--no-config"], f"source {folder}/fish/beckon.fish\ncomplete -C 'beckon {typed}'\n")
    return [line.split("\t")[0] for line in said.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    folder = parser.parse_args().folder
    pages(folder)
    for shell in (bash, zsh, fish):
        for typed, wanted in ROWS:
            proposed = shell(folder, typed)
            missing = [word for word in wanted if word not in proposed]
            assert not missing, f"{shell.__name__}: `beckon {typed}` does not propose {missing}: {proposed}"
            last = typed.split(" ")[-1]
            assert all(word.startswith(last) for word in proposed), f"{shell.__name__}: `beckon {typed}`: {proposed}"
    print(f"{3 * len(ROWS)} completions, 0 failed")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        sys.exit(f"FAILED: {error}")
