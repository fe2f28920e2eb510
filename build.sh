#!/usr/bin/env bash
# Build lambda/<package>.zip: its handlers, and of our modules and the pinned wheels only what it
# imports, as sources with compiled files beside them. The same sources give the same bytes.
# This finds a Python 3.12; lambda/pack.py does the rest.
#
#   ./build.sh [PACKAGE…]    build all, or those named
#   ./build.sh --python      print the Python 3.12 it would use
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.12 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python3.12 \
    "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}"/cpython-3.12*/bin/python3.12 \
    python3 python; do
    # A shim may stand there without an interpreter behind it, so each candidate has to answer.
    "$candidate" -c 'import sys; sys.version_info[:2] == (3, 12) or sys.exit(1)
print(sys.executable)' 2>/dev/null && return
  done
  echo "Python 3.12 was not found: install it, or name one in the variable PYTHON." >&2
  return 1
}

python=$(find_python)
if [[ ${1:-} == --python ]]; then
  echo "$python"
  exit
fi

exec "$python" -I lambda/pack.py "$@"
