"""The two JSON Schemas, generated from the pydantic models: ``python -m rolewise.authoring.schemas`` writes them.

``knowledge/knowledge.schema.json`` lets an editor check a knowledge file while it is typed; ``rolewise/card.schema.json`` tells
a channel or another program what a card holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rolewise.cards import Card
from rolewise.knowledge import Knowledge
from rolewise.settings import PROJECT_ROOT

DRAFT = "http://json-schema.org/draft-07/schema#"

SCHEMAS: dict[Path, type[BaseModel]] = {
    PROJECT_ROOT / "knowledge" / "knowledge.schema.json": Knowledge,
    PROJECT_ROOT / "rolewise" / "card.schema.json": Card,
}


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema, draft 7, of a model.

    Pydantic 1 leaves two things out that are added here: an optional field may be null, and a mapping whose keys have a
    pattern takes no other keys.
    """
    found: dict[str, Any] = {"$schema": DRAFT, **deepcopy(model.schema())}  # pydantic keeps what it returned
    for part in dict.fromkeys(_models(model)):
        properties = (found if part is model else found["definitions"][part.__name__])["properties"]
        for field in part.__fields__.values():
            if field.allow_none:
                properties[field.alias] = _or_null(properties[field.alias])
            elif "patternProperties" in properties[field.alias]:
                properties[field.alias]["additionalProperties"] = False
    if model is Knowledge:
        # Each file holds some of the parts; that none is missing is seen where all are read together.
        del found["required"]
    return found


def text(model: type[BaseModel]) -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"


def write() -> list[Path]:
    """Write both files; returns those that changed."""
    changed = []
    for path, model in SCHEMAS.items():
        new = text(model)
        if not path.is_file() or path.read_text(encoding="utf-8") != new:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.__fields__.values():
        if isinstance(field.type_, type(BaseModel)):
            yield from _models(field.type_)


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {key: value[key] for key in ("title", "description", "default") if key in value}
    return {**about, "anyOf": [{key: part for key, part in value.items() if key not in about}, {"type": "null"}]}


if __name__ == "__main__":
    for path in write():
        print(f"{path.relative_to(PROJECT_ROOT)} written.")
