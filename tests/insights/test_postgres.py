"""The report of a store in PostgreSQL: the same figures by the same code, read in parts by a cursor of the server."""

from __future__ import annotations

from typing import Any

import sqlalchemy

from rolewise.insights.events import conversations, sqlite_url, store_url
from rolewise.insights.figures import count
from rolewise.stores.database import COLUMNS
from tests.insights.conftest import Reported
from tests.services import Postgres

# As Rasa's own SQL tracker store makes it.
TABLE = """
CREATE TABLE events (id SERIAL PRIMARY KEY, sender_id VARCHAR(255), type_name VARCHAR(255), timestamp DOUBLE PRECISION,
intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT)
"""


def test_the_figures_are_the_same(postgres: Postgres, reported: Reported) -> None:
    assert {"id", "sender_id", "type_name", "timestamp", "intent_name", "action_name", "data"} == COLUMNS
    admin = sqlalchemy.create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE DATABASE report"))
    url = store_url(postgres.url.rpartition("/")[0] + "/report")
    cursors: list[str | None] = []
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.execute(sqlalchemy.text(TABLE))
        rows = [dict(zip(("s", "k", "t", "i", "a", "d"), row, strict=True)) for row in reported.rows]
        insert = "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (:s, :k, :t, :i, :a, :d)"
        connection.execute(sqlalchemy.text(insert), rows)

    def seen(connection: Any, cursor: Any, *more: Any) -> None:
        cursors.append(getattr(cursor, "name", None))

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "before_cursor_execute", seen)
    try:
        mine, theirs = count(conversations(url)), count(conversations(sqlite_url(reported.store)))
    finally:
        sqlalchemy.event.remove(sqlalchemy.engine.Engine, "before_cursor_execute", seen)
    assert mine.total.row() == theirs.total.row() and mine.conversations == theirs.conversations
    assert {topic: tally.row() for topic, tally in mine.topics.items()} == {topic: tally.row() for topic, tally in theirs.topics.items()}
    # A cursor with a name is one of the server: it sends some rows at a time.
    assert any(cursors)
