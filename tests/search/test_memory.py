"""An index of many shelves takes no more memory to write than one of few."""

import subprocess
import sys
from pathlib import Path

MANY_SHELVES = """
import sys
from pathlib import Path
from store.search.index import Index, Indexed
from store.search.texts import Text

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

text = Text(*(" ".join(f"{side}{number}" for number in range(4000)) for side in ("asked", "answered")))
number, sizes = 0, []
with Index(Path(sys.argv[1]), shelf_calls=5) as index:
    for _ in range(100):
        index.add([Indexed(number + one, bytes(16), 0, text) for one in range(5)])
        number += 5
        sizes.append(resident())
grown = sizes[-1] - sizes[20]
assert grown < 4_000_000, f"{grown} bytes more after 80 shelves"
"""


def test_memory_does_not_grow_with_the_shelves(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", MANY_SHELVES, str(tmp_path)], check=True)
