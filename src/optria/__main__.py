"""``python -m optria`` is ``optria``."""

from optria.cli import main

if __name__ == "__main__":
    main()
