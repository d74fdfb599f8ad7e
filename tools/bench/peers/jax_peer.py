"""
The JAX variant of the bench: everything under jit.

    python jax_peer.py FOLDER
"""

import sys

import jax

import inputs
from jax_llr import LlrStep, PgdStep, Problem
from protocol import serve


def variant():
    problem = Problem(inputs.load(sys.argv[1]))
    return (PgdStep if problem.workload.kind == "pgd" else LlrStep)(problem)


serve(variant, f"JAX {jax.__version__}")
