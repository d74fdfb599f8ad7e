"""The Python of docs/weights.md that turns a `.pt` into safetensors, run as it stands there."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from data import ROOT

DOCUMENT = ROOT / "docs" / "weights.md"


def documented_lines():
    """The document's Python, and the names of the file that it reads and of the file that it writes."""
    blocks = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    lines = next((block for block in blocks if "torch.load" in block), None)
    if lines is None:
        raise ValueError(f"{DOCUMENT.name} has no Python with torch.load in it.")
    read = re.search(r"[\"']([^\"']+\.(?:pt|pth))[\"']", lines)
    written = re.search(r"[\"']([^\"']+\.safetensors)[\"']", lines)
    if read is None or written is None:
        raise ValueError(f"{DOCUMENT.name}: the Python reads no .pt, or writes no .safetensors.")
    return lines, read[1], written[1]


def convert_as_documented(checkpoint, target):
    """Runs the documented lines, in a folder of their own, on a checkpoint."""
    lines, read, written = documented_lines()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(checkpoint, Path(folder) / read)
        subprocess.run([sys.executable, "-c", lines], cwd=folder, check=True)
        shutil.move(Path(folder) / written, target)
