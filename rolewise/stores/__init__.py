"""How conversations and turns are kept, whichever engine keeps them: in SQLite, PostgreSQL or Redis."""
