"""Runs libFuzzer targets and says for each how much was executed, what was covered and when that last grew.

Seeds: tools/fuzz/seeds/TARGET, and the folders of the corpora beside the repository that fit. What a run finds is kept in
build/fuzz/found/TARGET.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = ROOT / "build/fuzz/bin"
CORPORA = ROOT / "../shared/corpora"
# Which folders of the corpora a target whose name begins so is given.
FITTING = {"sip_message": ["sip/rfc4475", "sip/rfc5118", "sip/rfc-examples", "captures"], "sip_framer": ["sip/rfc4475"],
           "sip_uri": ["sip/jsip-torture"], "sdp": ["sdp"], "stun": ["stun"], "ice": ["stun"], "dns": ["dns"], "rtp": ["rtp"],
           "rtcp": ["rtcp"], "xml": ["xml/examples", "xml/hostile"], "pidf": ["xml/examples"], "winfo": ["xml/examples"],
           "resource_lists": ["xml/examples", "xml/xcap-documents"], "rlmi": ["xml/examples"],
           "xcap_diff": ["xml/examples"],
           "composition": ["xml/examples"], "reginfo": ["xml/examples"], "dialoginfo": ["xml/examples"],
           "imdn": ["xml/examples"], "is_composing": ["xml/examples"]}
LARGEST = {"sip_message": 65536, "sip_framer": 65536, "xml": 16384}  # octets of an input; 4096 elsewhere


def folders(target):
    own = ROOT / "tools/fuzz/seeds" / target
    all_folders = [own] if own.is_dir() else []
    for beginning, names in FITTING.items():
        if target.startswith(beginning):
            for name in names:
                # libFuzzer reads one level of folders only where told.
                inner = [each for each in (CORPORA / name).rglob("*") if each.is_dir()]
                all_folders += [each for each in [CORPORA / name, *inner] if each.is_dir()]
    return all_folders


def run(target, seconds):
    found = BINARIES.parent / "found" / target
    work = BINARIES.parent / "work" / target
    for folder in (found, work):
        folder.mkdir(parents=True, exist_ok=True)
    command = [BINARIES / f"fuzz_{target}", f"-max_total_time={seconds}", f"-max_len={LARGEST.get(target, 4096)}",
               f"-artifact_prefix={found}/", "-print_final_stats=1", "-timeout=10", work, *folders(target)]
    begin, grew, coverage, features, executions, tail = time.monotonic(), 0.0, 0, 0, 0, []
    process = subprocess.Popen([str(each) for each in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               errors="replace")
    for line in process.stderr:
        tail = [*tail[-30:], line]
        if shown := re.match(r"#\d+\s.*cov: (\d+) ft: (\d+)", line):
            if int(shown.group(1)) > coverage:
                grew = time.monotonic() - begin
            coverage, features = int(shown.group(1)), int(shown.group(2))
        if count := re.match(r"stat::number_of_executed_units:\s+(\d+)", line):
            executions = int(count.group(1))
    code = process.wait()
    print(json.dumps({"target": target, "seconds": round(time.monotonic() - begin), "executions": executions,
                      "coverage": coverage, "features": features, "coverage_last_grew_after_s": round(grew),
                      "good": code == 0}), flush=True)
    if code:
        sys.stderr.writelines(tail)
    return code == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    known = sorted(each.name.removeprefix("fuzz_") for each in BINARIES.glob("fuzz_*"))
    unknown = set(arguments.targets) - set(known)
    if unknown or not known:
        sys.exit(f"no such targets: {', '.join(sorted(unknown)) or 'none built'}; there are {', '.join(known)}")
    good = [run(each, arguments.seconds) for each in arguments.targets or known]
    if not all(good):
        sys.exit("FAILED: an input broke a target; it is kept in build/fuzz/found")


main()
