"""
Weights there and back between other people's PyTorch networks and the packages, through files in a folder:

    peers.py write FOLDER     their networks and what PyTorch computes of them, into FOLDER
    peers.py read FOLDER      loads FOLDER/ours, which peers.test.ts wrote, into their networks, and compares
"""

import sys
from pathlib import Path

import torch


def main(command, folder):
    # With as many threads as cores, PyTorch is many times slower where something else runs beside it.
    torch.set_num_threads(1)
    if command == "write":
        from peers_theirs import write_theirs

        write_theirs(Path(folder))
    elif command == "read":
        from peers_ours import read_ours

        read_ours(Path(folder) / "ours")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
