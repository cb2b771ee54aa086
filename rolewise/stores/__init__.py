"""How conversations and turns are kept, whichever engine keeps them: SQLite in ``rolewise.store``, PostgreSQL and Redis here."""
