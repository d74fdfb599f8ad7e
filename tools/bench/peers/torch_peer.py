"""
One PyTorch variant of the bench.

    python torch_peer.py FOLDER [--shared] [--compiled] [--bfloat16 | --float64] [--layout nchw|channels_last]
"""

import argparse

import torch

import inputs
from protocol import serve


def variant(options):
    from torch_llr import LlrStep
    from torch_pgd import PgdStep
    from torch_problem import Problem

    torch.manual_seed(0)
    dtype = torch.float64 if options.float64 else torch.float32
    problem = Problem(inputs.load(options.folder), options.layout, dtype)
    return InPrecision((PgdStep if problem.workload.kind == "pgd" else LlrStep)(problem, options), options)


class InPrecision:
    """Everything under autocast, where bfloat16 is asked for."""

    def __init__(self, inner, options):
        self.inner = inner
        self.autocast = lambda: torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16)

    def step(self):
        with self.autocast():
            return self.inner.step()

    def check(self, file):
        with self.autocast():
            self.inner.check(file)


parser = argparse.ArgumentParser()
parser.add_argument("folder")
for flag in ("--shared", "--compiled", "--bfloat16", "--float64"):
    parser.add_argument(flag, action="store_true")
parser.add_argument("--layout", default="nchw")
options = parser.parse_args()
serve(lambda: variant(options), f"PyTorch {torch.__version__}")
