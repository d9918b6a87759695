"""Plays the stories of the folder `flows`, message by message, each on a server of its own (tests/support/flow.py says how
they are written), and validates the documents that came against the schemas of the RFCs, where the corpora lie beside this
repository.
"""

import concurrent.futures
import pathlib
import sys

from story import Server, parser, reason, shards  # first: it finds tests/support
from flow import Player, Story
from schemas import Schemas

CORPORA = pathlib.Path(__file__).resolve().parents[3] / "shared/corpora"
FOLDER = pathlib.Path(__file__).resolve().parent / "flows"
AT_A_TIME = 8  # the stories wait for the server's pace most of the time


def play(story):
    player = Player(story, Server(arguments.binaries, options=shards(arguments.shards)), arguments.transport)
    player.play()
    return [(f"{story.path.name}:{line}", kind, body) for line, kind, body in player.received]


def main():
    stories = [Story(path) for path in sorted(FOLDER.glob(arguments.only + ".txt"))]
    failed, documents = 0, []
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for story, played in [(story, pool.submit(play, story)) for story in stories]:
            print(f"{story.path.stem}: {story.title}", flush=True)
            try:
                documents += played.result()
            except Exception as error:
                failed += 1
                print(f"FAILED: {reason(error)}", file=sys.stderr, flush=True)
    if arguments.only == "*" or any(kind.endswith("xml") for _, kind, _ in documents):
        Schemas(arguments.corpora).check(documents)
    print(f"{len(stories) - failed} passed, {failed} failed")
    sys.exit(bool(failed or not stories))


words = parser()
words.add_argument("--transport", choices=["udp", "tcp", "tls"], default="udp", help="where a story does not say it")
words.add_argument("--only", default="*", help="the stories whose name fits this pattern")
words.add_argument("--corpora", type=pathlib.Path, default=CORPORA)
arguments = words.parse_args()
main()
