"""Reads SARIF files with other people's parsers.

    python check_sarif.py FILE...

Needs jsonschema and sarif-tools from PyPI. Ends with 0 if every file is one that they take, else 1 with a line per
problem.
"""

import json
import pathlib
import sys

import formats


def main(arguments):
    wrong = [line for argument in arguments for line in formats.check_sarif(pathlib.Path(argument))]
    for line in wrong:
        print(line)
    if not wrong:
        counts = [len(json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["runs"][0]["results"]) for path in arguments]
        print(f"SARIF: {len(arguments)} files with {sum(counts)} results are read by others")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
