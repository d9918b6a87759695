"""Checks lines of events against client/control/contract.schema.json, and that the contract's README names
every event and member of it: check_contract.py FILE...  Exit code 1 names the first line that does not fit."""

import json
import pathlib
import sys

import jsonschema  # Debian: python3-jsonschema

CONTROL = pathlib.Path(__file__).resolve().parents[2] / "client/control"


def main(files):
    schema = json.loads((CONTROL / "contract.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    names = schema["properties"]["event"]["enum"]
    readme = (CONTROL / "README.md").read_text().split("## Events")[-1]
    for name in names:
        row = next((line for line in readme.splitlines() if line.startswith(f"| `{name}` |")), "")
        for member in schema["$defs"][name]["properties"]:
            if member not in ("event", "time") and f"`{member}`" not in row:
                return f"client/control/README.md: the row of event {name} does not tell of {member}"
    validator = jsonschema.Draft202012Validator(schema)
    seen = {}
    for file in files:
        for number, line in enumerate(pathlib.Path(file).read_text(encoding="utf-8").splitlines(), 1):
            event = json.loads(line)
            for error in validator.iter_errors(event):
                return f"{file}:{number}: {error.message}: {line}"
            seen[event["event"]] = seen.get(event["event"], 0) + 1
    if not seen:
        return "no events to check"
    print(", ".join(f"{name} {count}" for name, count in sorted(seen.items())))
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
