#!/bin/sh
# Makes tools/oracle/.venv, a Python with PyTorch for make_fixtures.py and peers.py. Delete the folder when done with it.
set -eu
cd "$(dirname "$0")"
python3 -m venv .venv
.venv/bin/python -m pip install --quiet -r requirements.txt
.venv/bin/python -m pip install --quiet --no-deps -r requirements-peers.txt
