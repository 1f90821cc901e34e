#!/usr/bin/env bash
# Makes the README's pictures from one real run of the quickstart: the live view as SVG, the first screen of the report
# as PNG. Needs python3 with venv, and chromium. PROOFLOAD names a binary; without it one is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

# GitHub shows larger ones slowly.
BYTES_MAX=204800

if [ -z "${PROOFLOAD:-}" ]; then
  cargo build --release --quiet
  PROOFLOAD="${CARGO_TARGET_DIR:-target}/release/proofload"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check -r docs/pictures/requirements.txt

"$work/venv/bin/python" docs/pictures/live_view.py docs/pictures/live-view.svg \
  "$PROOFLOAD" run scenarios/quickstart.yaml --out "$work/runs"

report=$(ls -d "$work"/runs/run-*)/report.html
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --user-data-dir="$work/profile" --window-size=1280,900 \
  --screenshot="$work/report.png" "file://$report" 2>"$work/chromium.log" || { cat "$work/chromium.log"; exit 1; }
# A page has few colours; a palette of them takes a third of the bytes.
"$work/venv/bin/python" -c 'import sys; from PIL import Image
Image.open(sys.argv[1]).convert("RGB").quantize(128).save(sys.argv[2], optimize=True)' "$work/report.png" docs/pictures/report.png

for picture in docs/pictures/live-view.svg docs/pictures/report.png; do
  bytes=$(stat -c %s "$picture")
  echo "$picture: $bytes bytes"
  [ "$bytes" -le "$BYTES_MAX" ] || { echo "more than $BYTES_MAX bytes"; exit 1; }
done
