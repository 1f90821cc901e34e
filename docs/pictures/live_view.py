"""Runs a command on a pseudo-terminal and draws its screen at one moment as SVG: live_view.py OUT.svg COMMAND…

The moment is the first screen that shows second 17 of the plan or a later one: the peak, with the autoscaler at work.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from html import escape

import pyte

COLUMNS, ROWS = 112, 40
CELL_WIDTH, LINE_HEIGHT, MARGIN = 8.43, 18, 16
MOMENT_S = 17
CLOCK = re.compile(r"(\d+) of (\d+) s, ")
BACKGROUND, FOREGROUND, DIM = "#10151c", "#d8dee9", "#7b8794"
# The terminal's eight colours, light enough for the dark background.
COLOURS = {
    "black": "#4c566a", "red": "#ff7b72", "green": "#7ee787", "brown": "#e3b341",
    "blue": "#79c0ff", "magenta": "#d2a8ff", "cyan": "#76e3ea", "white": FOREGROUND,
}


def screens(command):
    """The lines of the screen, each a list of pyte's cells, after every piece that the command writes."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
    environment["TERM"] = "xterm-256color"
    shown = f"$ proofload {' '.join(word for word in command[1:] if word != '--out' and not word.startswith('/'))}\r\n"
    stream.feed(shown.encode())
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Nobody holds the other end any more.
            break
        if not piece:
            break
        stream.feed(dim_as_italics(piece))
        yield [[screen.buffer[line][column] for column in range(COLUMNS)] for line in range(ROWS)]
    code = process.wait()
    if code != 0:
        sys.exit(f"the command ended with {code}; no picture was made")


def dim_as_italics(piece):
    """pyte knows no faint text, and proofload writes no italics."""
    return piece.replace(b"\x1b[2m", b"\x1b[3m")


def text_of(lines):
    return "\n".join("".join(cell.data for cell in line) for line in lines)


def is_moment(lines):
    clock = CLOCK.search(text_of(lines))
    return clock is not None and int(clock.group(1)) >= MOMENT_S


def colour_of(cell):
    if cell.italics:
        return DIM
    return COLOURS.get(cell.fg, FOREGROUND)


def draw(lines):
    while lines and not "".join(cell.data for cell in lines[-1]).strip():
        lines = lines[:-1]
    width, height = COLUMNS * CELL_WIDTH + 2 * MARGIN, len(lines) * LINE_HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img">',
        "<title>The live view of a run in a terminal</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">',
    ]
    for number, line in enumerate(lines):
        parts.extend(draw_line(line, MARGIN + (number + 0.75) * LINE_HEIGHT))
    return "\n".join([*parts, "</g>", "</svg>", ""])


def draw_line(line, y):
    """One text element for each stretch of one style; its length is given, so that any font keeps the columns."""
    start = 0
    while start < len(line):
        end = start
        style = (colour_of(line[start]), line[start].bold)
        while end < len(line) and (colour_of(line[end]), line[end].bold) == style:
            end += 1
        text = "".join(cell.data for cell in line[start:end])
        stripped = text.rstrip()
        if stripped:
            weight = ' font-weight="bold"' if style[1] else ""
            length = f' textLength="{len(stripped) * CELL_WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
            x = MARGIN + start * CELL_WIDTH
            # Spaces that browsers would fold.
            kept = escape(stripped).replace(" ", "\u00a0")
            yield f'<text x="{x:.1f}" y="{y:.1f}" fill="{style[0]}"{weight}{length}>{kept}</text>'
        start = end


def main():
    out, command = sys.argv[1], sys.argv[2:]
    picture = None
    for lines in screens(command):
        if picture is None and is_moment(lines):
            picture = draw(lines)
    if picture is None:
        sys.exit("the view never showed the moment of the picture")
    with open(out, "w", encoding="utf-8") as file:
        file.write(picture)


main()
