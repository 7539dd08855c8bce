"""python -m tests.fuzz --minutes 60: damaged inputs of every kind, for as long as you like."""

import time
import traceback
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings

import options
from tests.fuzz import targets, world

CASES_AT_ONCE = 60
LONGEST = 4000  # letters of a failure, of its beginning and of its end


def main(argv=None):
    opt = parse(argv)
    chosen = [t for t in targets.TARGETS if not opt.only or t.name in opt.only]
    tried, failures, number = Counter(), [], opt.seed
    with TemporaryDirectory() as folder:
        here = world.build_all(Path(folder))
        until = time.monotonic() + 60 * opt.minutes
        while time.monotonic() < until:
            for target in chosen:
                most = max(5, CASES_AT_ONCE // target.cost)
                failure = fuzz(target, here, most, number, tried)
                if failure:
                    failures.append(failure)
                    print(failure, flush=True)
            number += 1
    for name, count in tried.items():
        print(f"{count:8d}  {name}")
    print(f"{tried.total():8d}  damaged inputs, {len(failures)} failures")
    return 1 if failures else 0


def fuzz(target, here, most, number, tried):
    """The text of a failure among `most` cases, or nothing."""

    @seed(number)
    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
        print_blob=True,
    )
    @given(case=target.cases(here))
    def one(case):
        tried[target.name] += 1
        target.check(here, case)

    try:
        one()
    except Exception:
        text = traceback.format_exc()
        if len(text) > 2 * LONGEST:
            text = f"{text[:LONGEST]}\n[...]\n{text[-LONGEST:]}"
        return f"--- {target.name}, seed {number}\n{text}"


def parse(argv):
    parser = options.parser(
        "python -m tests.fuzz",
        "Damage inputs of every format and look whether any is misread, hangs or ends badly.",
        "example:\n  python -m tests.fuzz --minutes 60",
    )
    add = parser.add_argument_group("how long").add_argument
    add("--minutes", type=options.number(0, open_low=True), default=1.0, metavar="N")
    add("--seed", type=options.integer(0), default=0, metavar="S", help="of the damage")
    names = [target.name for target in targets.TARGETS]
    add("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
