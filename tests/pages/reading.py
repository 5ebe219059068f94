"""What a page says, read as a browser would: the text of tables and elements, and what their attributes hold."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "img", "input", "br", "hr", "source", "wbr"})


@dataclass(slots=True)
class Element:
    """One element: its name, attributes, and what is in it."""

    name: str
    attributes: dict[str, str]
    inside: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, with single blanks."""
        return " ".join(self._pieces().split())

    def all(self, name: str = "", **attributes: str) -> list["Element"]:
        """Every element in it of this name, with these attributes (`id_` for one that Python would not take)."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        found = []
        for one in self.inside:
            if isinstance(one, Element):
                if name in ("", one.name) and all(one.attributes.get(key) == value for key, value in wanted.items()):
                    found.append(one)
                found += one.all(name, **attributes)
        return found

    def one(self, name: str = "", **attributes: str) -> "Element":
        """The only such element."""
        (found,) = self.all(name, **attributes)
        return found

    def rows(self) -> list[list[str]]:
        """The body of a table: the texts of its cells."""
        return [
            [cell.text for cell in row.inside if isinstance(cell, Element)]
            for body in self.all("tbody")
            for row in body.all("tr")
        ]

    def _pieces(self) -> str:
        return "".join(one if isinstance(one, str) else one._pieces() for one in self.inside)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(made)
        if tag not in _VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        while len(self.open) > 1 and self.open.pop().name != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(html: str) -> Element:
    """The page as a tree."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.open[0]
