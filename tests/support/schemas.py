"""Validates documents against the schemas that the RFCs print, with xmllint (Debian: libxml2-utils)."""

import pathlib
import subprocess
import tempfile

from beckon_harness import Failure


class Schemas:
    """The schemas of the corpora beside this repository; where they are not, nothing is validated."""

    def __init__(self, corpora):
        self.schema = pathlib.Path(corpora) / "xml/xsd/all.xsd"

    def check(self, documents):
        """Triples of where it came from, Content-Type, text. Of those that are XML the first that is not valid is a Failure."""
        found = [(where, text) for where, kind, text in documents if kind.split(";")[0].endswith("+xml")]
        if not self.schema.exists():
            print(f"No schemas in {self.schema.parent}: {len(found)} documents are not validated", flush=True)
            return
        if not found:
            raise Failure("no document to validate")
        with tempfile.TemporaryDirectory() as folder:
            paths = [pathlib.Path(folder) / f"{number}.xml" for number in range(len(found))]
            for path, (_, text) in zip(paths, found):
                path.write_text(text)
            done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", self.schema, *paths],
                                  capture_output=True, text=True, timeout=300)
        faults = [line for line in done.stderr.splitlines() if not line.endswith(" validates")]
        for line in faults:
            name, _, fault = line.removeprefix(folder + "/").partition(".xml")
            if name.isdigit():
                where, text = found[int(name)]
                print(f"{where}: a document that is not valid:\n{text}", flush=True)
                raise Failure(f"{where}: {fault.lstrip(':')}")
        if done.returncode:
            raise Failure(f"xmllint: exit {done.returncode}: {done.stderr[-500:]}")
        print(f"{len(found)} documents are valid", flush=True)
