"""BD-rates of all weights so far over the pixels that training has seen: `--help` lists options."""

from jndlic.bench.studies.learning_curve import main

if __name__ == "__main__":
    raise SystemExit(main())
