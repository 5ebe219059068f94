"""Answers that are no text: embeddings by their length and first numbers, images by type and size; and lists of
texts and verdicts: pages that were read, documents by rank, what moderation found.
"""

from typing import Any

import msgspec

from store.dialects import Document
from store.dialects.shape import NOT_JSON
from store.presentation.parts import data_part
from store.presentation.said import Message, Part

_FIRST = 6  # numbers of an embedding
_MOST = 100  # products of one answer that are told one by one


def products_of(response: Document) -> list[Message]:
    """What was made; empty when the answer is nothing of the kind, or not kept whole."""
    if response.cut or response.form != "json":
        return []
    try:
        body = msgspec.json.decode(response.head)
    except NOT_JSON:
        return []
    if not isinstance(body, dict):
        return []
    found = [part for item in _items(body)[:_MOST] if (part := _product(item)) is not None]
    left = len(_items(body)) - _MOST
    if found and left > 0:
        found.append(Part("other", f"and {left:,} more", "more"))
    return [Message("answer", tuple(found))] if found else []


def _items(body: dict[str, Any]) -> list[Any]:
    for name in ("data", "embeddings", "predictions", "images", "pages", "results"):
        value = body.get(name)
        if isinstance(value, list):
            return value
        if isinstance(value, dict):  # one list for each type of number
            return [numbers for lists in value.values() if isinstance(lists, list) for numbers in lists]
    return [body["embedding"]] if isinstance(body.get("embedding"), (dict, list)) else []


def _product(item: Any) -> Part | None:
    if isinstance(item, list):
        return _embedding(item)
    if not isinstance(item, dict):
        return None
    if isinstance(text := item.get("markdown"), str):
        return Part("text", text)
    if isinstance(flagged := item.get("flagged"), bool):
        return Part("other", _found(item) if flagged else "nothing", "found")
    if isinstance(score := item.get("relevance_score"), (int, float)):
        return Part("other", f"{score:.4g}", f"document {item.get('index')}")
    for name in ("embedding", "values"):
        if isinstance(numbers := item.get(name), list):
            return _embedding(numbers)
        if isinstance(numbers, str):
            return Part("data", f"{data_part(None, numbers).text} in base64", "embedding")
    for name in ("b64_json", "bytesBase64Encoded"):
        if isinstance(data := item.get(name), str):
            told = data_part(item.get("mimeType") or "image/*", data)
            revised = item.get("revised_prompt")
            return Part("data", f"{told.text}; {revised}" if isinstance(revised, str) else told.text, told.name)
    if isinstance(url := item.get("url"), str):
        return Part("data", data_part(*_typed(url)).text if url.startswith("data:") else url[:500], "image")
    return None


def _found(item: dict[str, Any]) -> str:
    categories = item.get("categories")
    named = [str(name) for name, is_so in categories.items() if is_so is True] if isinstance(categories, dict) else []
    return ", ".join(named) or "something"


def _typed(url: str) -> tuple[str, str]:
    head, _, data = url[5:].partition(",")
    return head.partition(";")[0], data


def _embedding(numbers: list[Any]) -> Part | None:
    if not numbers or not all(isinstance(number, (int, float)) for number in numbers[:_FIRST]):
        return None
    first = ", ".join(f"{number:.4g}" for number in numbers[:_FIRST])
    more = ", ..." if len(numbers) > _FIRST else ""
    return Part("data", f"{len(numbers):,} numbers: {first}{more}", "embedding")
