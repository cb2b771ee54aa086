"""The store's file and the commands that look after it: backup, restore, upgrade, retention, export, deletion."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from rolewise.commands import cli
from rolewise.settings import PROJECT_ROOT, settings
from rolewise.stores import database
from rolewise.stores.database import StoreError
from rolewise.stores.tail import latest
from rolewise.stores.tracker_store import SQLiteTrackerStore

DAY = 86400.0
DOMAIN = Domain.from_yaml(
    "slots:\n  context:\n    type: any\n    mappings: [{type: custom}]\n  other:\n    type: any\n    mappings: [{type: custom}]\n"
)


def fill(path: Path, conversations: dict[str, float]) -> None:
    """One message a conversation, so many days ago."""
    database.prepare(path)
    with closing(database.connect(path)) as connection:
        for sender, days in conversations.items():
            data = json.dumps({"event": "user", "text": f"secret of {sender}"})
            row = (sender, "user", time.time() - days * DAY, "greet", None, data)
            connection.execute(
                "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (?, ?, ?, ?, ?, ?)", row
            )


def command(store: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rolewise.commands.cli", "store", *words],
        cwd=PROJECT_ROOT,
        env={**os.environ, "ROLEWISE_STORE": str(store)},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "conversations.db"


def words_in(directory: Path, word: bytes) -> bool:
    return any(word in file.read_bytes() for file in directory.iterdir())


def test_a_new_store_is_made_durable(store: Path) -> None:
    database.prepare(store)
    with closing(database.connect(store)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert database.contents(store) == database.Contents(database.VERSION, 0, 0)


def test_backup_and_restore_bring_everything_back(store: Path, tmp_path: Path) -> None:
    fill(store, {"a": 0, "b": 1})
    saved = tmp_path / "saved.db"
    assert "2 conversations, 2 events" in command(store, "backup", str(saved)).stdout
    assert command(store, "delete", "a").returncode == 0
    assert "1 conversations" in command(store, "info").stdout
    assert "2 conversations, 2 events" in command(store, "restore", str(saved)).stdout
    assert command(store, "info").stdout.count("2 conversations")
    assert sorted(path.name for path in tmp_path.iterdir() if "saved" in path.name) == ["saved.db"]


def test_restore_makes_the_store_where_there_is_none(store: Path, tmp_path: Path) -> None:
    fill(store, {"a": 0})
    database.backup(store, tmp_path / "saved.db")
    assert database.restore(tmp_path / "new" / "store.db", tmp_path / "saved.db").events == 1


def test_a_backup_is_one_moment_of_a_store_in_use(store: Path, tmp_path: Path) -> None:
    database.prepare(store)
    stop = threading.Event()

    def write() -> None:
        with closing(database.connect(store)) as connection:
            number = 0
            while not stop.is_set():
                with database.transaction(connection):
                    for part in (0, 1):
                        connection.execute("INSERT INTO events (sender_id, type_name, data) VALUES (?, 'user', ?)", (f"s{number}", part))
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            time.sleep(0.05)
            target = tmp_path / f"saved{number}.db"
            assert database.backup(store, target).conversations > 0
            with closing(sqlite3.connect(target)) as connection:
                # A turn is in it whole or not at all.
                halves = connection.execute("SELECT count(*) FROM events GROUP BY sender_id HAVING count(*) != 2").fetchall()
            assert not halves
    finally:
        stop.set()
        writer.join()


def test_a_backup_never_overwrites(store: Path, tmp_path: Path) -> None:
    fill(store, {"a": 0})
    (tmp_path / "saved.db").write_text("mine")
    run = command(store, "backup", str(tmp_path / "saved.db"))
    assert run.returncode == 2 and "exists" in run.stderr
    assert (tmp_path / "saved.db").read_text() == "mine"


@pytest.mark.parametrize("damage", ["no file", "no database", "another database", "newer", "torn"])
def test_what_cannot_be_restored_leaves_the_store_alone(store: Path, tmp_path: Path, damage: str) -> None:
    fill(store, {"a": 0})
    source = tmp_path / "source.db"
    if damage == "no database":
        source.write_text("hello " * 1000)
    elif damage == "another database":
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("CREATE TABLE shopping (item TEXT)")
    elif damage in ("newer", "torn"):
        fill(source, {f"s{number}": 0 for number in range(2000)})
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            if damage == "newer":
                connection.execute(f"PRAGMA user_version={database.VERSION + 1}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode=DELETE")
        if damage == "torn":
            whole = source.read_bytes()
            source.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 4))
    run = command(store, "restore", str(source))
    assert run.returncode == 2 and run.stderr.startswith("rolewise: ") and "Traceback" not in run.stderr
    assert database.contents(store).conversations == 1


async def test_a_store_that_rasa_made_is_taken_over(store: Path) -> None:
    rasa_store = SQLTrackerStore(DOMAIN, dialect="sqlite", db=str(store))
    tracker = DialogueStateTracker("person", DOMAIN.slots)
    for event in (ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen"), UserUttered("hello")):
        tracker.update(event)
    await rasa_store.save(tracker)
    rasa_store.engine.dispose()
    with pytest.raises(StoreError, match="rolewise store upgrade"):
        database.prepare(store)
    assert "version 0 is now 1" in command(store, "upgrade").stdout
    assert "version 1 is now 1" in command(store, "upgrade").stdout
    found = await SQLiteTrackerStore(DOMAIN, db=str(store)).retrieve("person")
    assert found is not None and found.latest_message is not None and found.latest_message.text == "hello"
    # And Rasa's own store reads what ours has.
    again = await SQLTrackerStore(DOMAIN, dialect="sqlite", db=str(store)).retrieve("person")
    assert again is not None and len(again.events) == 3


def test_retention_removes_what_is_older_and_its_words(store: Path, tmp_path: Path) -> None:
    fill(store, {"old": 100, "new": 1})
    assert "0 conversations" in command(store, "clean", "--days", "200").stdout
    assert "1 conversations removed that had no message for 90 days" in command(store, "clean").stdout
    assert not database.export(store, "old") and database.export(store, "new")
    assert not words_in(tmp_path, b"secret of old")


def test_one_conversation_is_exported_and_deleted(store: Path, tmp_path: Path) -> None:
    fill(store, {"ann": 0, "bob": 0})
    exported = command(store, "export", "ann")
    assert [json.loads(line)["text"] for line in exported.stdout.splitlines()] == ["secret of ann"]
    assert command(store, "delete", "ann").returncode == 0
    assert not words_in(tmp_path, b"secret of ann") and database.export(store, "bob")
    assert command(store, "export", "ann").returncode == 1
    assert command(store, "delete", "ann").returncode == 1


def test_a_store_that_is_none_is_named_with_the_reason(store: Path) -> None:
    assert "there is no store" in command(store, "info").stderr
    store.write_text("no database at all " * 100)
    with pytest.raises(StoreError, match="not a database"):
        database.prepare(store)


def test_a_backup_that_cannot_be_written_blames_the_backup(store: Path, tmp_path: Path) -> None:
    fill(store, {"ann": 1})
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "missing" / "backup.db", tmp_path / "file" / "backup.db", Path("/proc/backup.db")):
        ended = command(store, "backup", str(target))
        assert ended.returncode == 2 and f"the backup {target} cannot be" in ended.stderr and "the store" not in ended.stderr, ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if "conversations" not in path.name) == ["file"]


@pytest.mark.parametrize("days", ["nan", "inf", "-inf", "-1", "many", ""])
@pytest.mark.parametrize("words", [["store", "clean"], ["report"], ["inbox"], ["diff", "a", "b"]], ids=" ".join)
def test_days_are_a_number(words: list[str], days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, f"--days={days}"])
    assert ended.value.code == 2 and "is no number of days" in capsys.readouterr().err


def test_an_export_is_json_whatever_is_stored(store: Path) -> None:
    fill(store, {"ann": 1, "bob": 1})
    with closing(database.connect(store)) as connection:
        connection.execute("""UPDATE events SET data = '{"event": "slot", "value": [NaN, Infinity, -Infinity]}' WHERE sender_id = 'ann'""")
        connection.execute("UPDATE events SET data = 'half' WHERE sender_id = 'bob'")
    assert command(store, "export", "ann").stdout == '{"event": "slot", "value": [null, null, null]}\n'
    broken = command(store, "export", "bob")
    assert broken.returncode == 2 and "event 1 of this conversation cannot be read" in broken.stderr and not broken.stdout


def events_of(turns: int) -> list[Any]:
    events: list[Any] = [ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen"), SlotSet("other", 1)]
    for number in range(turns):
        events += [UserUttered(f"m{number}"), ActionExecuted("action_answer"), SlotSet("context", number), ActionExecuted("action_listen")]
    return events


async def test_a_long_conversation_is_loaded_in_part_and_stands_the_same(store: Path) -> None:
    first = SQLiteTrackerStore(DOMAIN, db=str(store), turns=3)
    tracker = first.init_tracker("s")
    for event in events_of(30):
        tracker.update(event)
    await first.save(tracker)
    for opened in (first, SQLiteTrackerStore(DOMAIN, db=str(store), turns=3)):
        found = await opened.retrieve("s")
        assert found is not None and len(found.events) < 25
        assert [event.text for event in found.events if isinstance(event, UserUttered)] == ["m27", "m28", "m29"]
        assert (found.get_slot("context"), found.get_slot("other")) == (29, 1)
        full = await opened.retrieve_full_tracker("s")
        assert full is not None and len(full.events) == len(events_of(30))


async def test_every_event_is_stored_once_whoever_goes_on(store: Path) -> None:
    one, two = SQLiteTrackerStore(DOMAIN, db=str(store)), SQLiteTrackerStore(DOMAIN, db=str(store))
    for number in range(12):
        used = (one, two)[number % 2]
        tracker = await used.retrieve("s") or used.init_tracker("s")
        for event in (
            UserUttered(f"m{number}"),
            ActionExecuted("action_answer"),
            SlotSet("context", number),
            ActionExecuted("action_listen"),
        ):
            tracker.update(event)
        await used.save(tracker)
        await used.save(tracker)
    texts = [event.get("text") for event in database.export(store, "s") if event["event"] == "user"]
    assert texts == [f"m{number}" for number in range(12)]
    database.delete(store, "s")
    assert await one.retrieve("s") is None


def test_the_latest_turns_are_those_of_the_latest_session() -> None:
    events = [*events_of(5), *events_of(1)]
    assert latest(events, 3) == events[-7:]


async def test_a_turn_waits_for_another_writer_until_its_deadline(store: Path) -> None:
    database.prepare(store)
    kept = SQLiteTrackerStore(DOMAIN, db=str(store))
    assert kept.patience == settings().deadline == 15.0
    other = database.connect(store)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(6.0, lambda: other.execute("COMMIT")).start()
    began = time.monotonic()
    tracker = DialogueStateTracker.from_events("person", [UserUttered("hi")], slots=DOMAIN.slots, domain=DOMAIN)
    await kept.save(tracker)
    assert 5.5 < time.monotonic() - began < 10.0
    assert await kept.exists("person")
    kept.close()
