# Sourced by the launchers: sets $python to an interpreter that has requirements.txt installed.
# PYTHON=/path/to/python uses that one as it is. Otherwise .venv is made, and only when requirements.txt has changed.
if [ -n "${PYTHON:-}" ]; then
  python=$PYTHON
else
  python=.venv/bin/python
  if ! cmp -s requirements.txt .venv/installed.txt; then
    echo "Setting up .venv (once; a few minutes, most of it PyTorch) ..."
    base=$(command -v python3 || command -v python) || { echo "error: python3 is not installed" >&2; exit 2; }
    "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
      { echo "error: Python 3.11 or newer is needed, and $base is $("$base" -V 2>&1)" >&2; exit 2; }
    "$base" -m venv .venv ||
      { echo "error: python3 cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 2; }
    "$python" -m pip install --quiet --disable-pip-version-check -r requirements.txt ||
      { echo "error: the packages of requirements.txt could not be installed" >&2; exit 2; }
    cp requirements.txt .venv/installed.txt
  fi
fi
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}  # idle threads sleep: on a busy machine spinning ones cost much
