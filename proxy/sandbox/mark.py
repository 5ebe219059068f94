"""Where the sample calls of `tollbook demo` are, and the mark on that directory: a demo may delete it, and nothing
else.
"""

from pathlib import Path

MARK = "SANDBOX"
_TEXT = "A sandbox made by `tollbook demo`: sample calls only. It is deleted when the demo is started again.\n"


def demo_beside(data_dir: Path) -> Path:
    """Where a demo is kept that was not told where: beside the real book."""
    return data_dir.parent / f"{data_dir.name}-demo"


def mark(data_dir: Path) -> None:
    """Say that nothing in here is worth keeping."""
    (data_dir / MARK).write_text(_TEXT)


def marked(data_dir: Path) -> bool:
    """Whether a demo made this directory, and nobody has used it for anything else."""
    return (data_dir / MARK).is_file()


def unmark(data_dir: Path) -> bool:
    """Keep what is in here: real calls come to it. Returns whether it was a demo's."""
    try:
        (data_dir / MARK).unlink()
    except OSError:
        return False
    return True
