"""Where each field of a YAML text stands, for messages with a line number and for edits that leave the rest as it is."""

from __future__ import annotations

import yaml

Loc = tuple[str | int, ...]


class Positions:
    """Where each field of a YAML text stands; built from PyYAML's node tree, faulty keys found on the way."""

    def __init__(self, root: yaml.Node | None) -> None:
        self.lines: dict[Loc, int] = {(): 1}
        self.ends: dict[Loc, int] = {(): 0}
        self.faults: list[tuple[Loc, int, str]] = []
        if root is not None:
            self._walk(root, ())

    def _walk(self, node: yaml.Node, loc: Loc) -> None:
        self.lines.setdefault(loc, node.start_mark.line + 1)
        self.ends[loc] = node.end_mark.line + (1 if node.end_mark.column else 0)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                line = key.start_mark.line + 1
                name = str(key.value) if isinstance(key, yaml.ScalarNode) else "(key)"
                if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                    self.faults.append(((*loc, name), line, "a key must be a text; put it in quotes"))
                elif name in seen:
                    self.faults.append(((*loc, name), line, "stands twice"))
                seen.add(name)
                self.lines[(*loc, name)] = line
                self._walk(value, (*loc, name))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.lines[(*loc, index)] = value.start_mark.line + 1
                self._walk(value, (*loc, index))
        if node.value and isinstance(node, yaml.CollectionNode) and not node.flow_style:
            # A block ends, for the parser, where the next one begins: behind the comments and empty lines between them.
            last = str(node.value[-1][0].value) if isinstance(node, yaml.MappingNode) else len(node.value) - 1
            self.ends[loc] = self.ends[(*loc, last)]

    def faulty_keys(self) -> bool:
        """Whether a key is no text."""
        return any(reason.startswith("a key") for _, _, reason in self.faults)

    def line(self, loc: Loc) -> int:
        """The line of a field, or of the nearest thing around it that exists."""
        while loc not in self.lines:
            loc = loc[:-1]
        return self.lines[loc]

    def end(self, loc: Loc) -> int:
        """The last line of a field; of a text block or an empty value it may be the line before the next field. Raises KeyError."""
        return self.ends[loc]
