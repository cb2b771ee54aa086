"""What people wrote: readable by its owner alone, and gone from every byte when it is deleted, however SQLite was built."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rolewise.channels.tokens import kept_secret
from rolewise.insights import report
from rolewise.stores import database, private
from rolewise.stores.tracker_store import SQLiteTrackerStore
from rolewise.stores.turns import Turn
from tests.stores.test_database import DOMAIN, fill
from tests.stores.test_turns import answer

SECRET = "a word that nobody may find"


@pytest.fixture(autouse=True)
def readable_by_all() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SQLite that leaves what is deleted where it was, unless it is told otherwise."""
    connect = sqlite3.connect

    def careless_one(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **named)
        connection.execute("PRAGMA secure_delete=OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", careless_one)


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in directory.rglob("*")}


def copies(directory: Path, word: str = SECRET) -> int:
    return sum(path.read_bytes().count(word.encode()) for path in directory.rglob("*") if path.is_file())


async def talk(store: SQLiteTrackerStore, sender: str, turns: int = 20) -> None:
    for number in range(turns):
        turn = Turn(sender, f"message-{number}")
        await store.begin(turn, f"{SECRET} {number}", f"{SECRET} as a title")
        await answer(store, turn, f"{SECRET} {number} " + "x" * 300)


async def test_store_log_and_backup_are_their_owners(tmp_path: Path) -> None:
    path = tmp_path / "new" / "conversations.db"
    store = SQLiteTrackerStore(DOMAIN, db=str(path))
    await talk(store, "ann")
    database.backup(path, tmp_path / "new" / "backup.db")
    found = modes(tmp_path)
    assert {"conversations.db", "conversations.db-wal", "backup.db"} <= set(found)
    assert found.pop("new") == "0o700" and set(found.values()) == {"0o600"}
    database.restore(tmp_path / "new" / "restored.db", tmp_path / "new" / "backup.db")
    assert modes(tmp_path)["restored.db"] == "0o600"
    store.close()


def test_a_store_that_everybody_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    assert modes(tmp_path)["conversations.db"] == "0o644"
    fill(path, {"ann": 1})
    assert set(modes(tmp_path).values()) == {"0o600"}


def test_a_report_and_the_secret_are_their_owners(tmp_path: Path) -> None:
    report.write({"summary": {"answers": 1}}, tmp_path / "new" / "report", ["json", "csv"])
    kept_secret(tmp_path / "new" / "cache" / "secret")
    found = modes(tmp_path / "new")
    assert {name: found.pop(name) for name in ("report", "cache")} == {"report": "0o700", "cache": "0o700"}
    assert set(found.values()) == {"0o600"}


def test_a_directory_that_was_there_stays_as_it_was(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private.directory(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("wipe", ["erase", "delete", "clean"])
async def test_what_is_deleted_is_nowhere(careless: None, tmp_path: Path, wipe: str) -> None:
    path = tmp_path / "conversations.db"
    store = SQLiteTrackerStore(DOMAIN, db=str(path))
    await talk(store, "bob", 2)
    await talk(store, "ann")
    assert copies(tmp_path) > 40
    database.delete(path, "bob")
    if wipe == "erase":
        await store.erase("ann")
    elif wipe == "delete":
        database.delete(path, "ann")
    else:
        with closing(database.connect(path)) as connection:
            connection.execute("UPDATE events SET timestamp = 0")
        assert database.remove_older(path, 1) == 1
    assert copies(tmp_path) == 0
    store.close()


async def test_an_answered_message_leaves_no_copy_in_the_book(careless: None, tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    store = SQLiteTrackerStore(DOMAIN, db=str(path))
    turn = Turn("ann", "message-1")
    await store.begin(turn, SECRET)
    with closing(database.connect(path)) as connection:
        connection.execute("UPDATE turns SET text = NULL")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert copies(tmp_path) == 0
    store.close()


def test_what_another_program_left_in_free_space_goes_with_the_first_deletion(careless: None, tmp_path: Path) -> None:
    path = tmp_path / "conversations.db"
    fill(path, {SECRET: 1, "bob": 1})
    with closing(sqlite3.connect(path)) as connection:
        # A store of Rasa's, or of an older program: nothing says how it was written.
        connection.execute("PRAGMA application_id=0")
        connection.execute("DELETE FROM events WHERE sender_id = ?", (SECRET,))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert copies(tmp_path) > 0
    database.delete(path, "bob")
    assert copies(tmp_path) == 0
