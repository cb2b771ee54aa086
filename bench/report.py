"""Reprints every figure from the benchmarks' results: ``make figures`` runs it."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run each ``report_*.py`` beside this file; exit status 1 when one failed."""
    failed = False
    for script in sorted(HERE.glob("report_*.py")):
        sys.argv = [str(script)]
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as error:
            if error.code:
                failed = True
                print(f"{script.name}: {error.code}", file=sys.stderr)
    raise SystemExit(int(failed))


if __name__ == "__main__":
    main()
