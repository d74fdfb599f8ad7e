"""Ours to theirs: weights saved here, in other people's networks, compared with what was computed here."""

import json
import sys

import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file, load_model

from peers_networks import Normalized, network
from peers_reference import reference, relative_error

# As in packages/models/test/peers.test.ts.
TOLERANCE = 1e-4
TOLERANCE_OF_KINKS = 0.1
VISIBLE = 0.02


def read_ours(folder):
    """Compares every network of the folder; exits with 1 if one differs, or if there is none."""
    cases = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not cases:
        sys.exit(f"{folder} has no networks: run the tests of packages/models/test/peers first.")
    wrong = [case.name for case in cases if not agrees(case)]
    if wrong:
        sys.exit(f"These differ: {', '.join(wrong)}.")


def agrees(folder):
    description = json.loads((folder / "peer.json").read_text())
    expected = load_arrays(folder / "expected.safetensors")
    made = loaded(folder / "model.safetensors", description["peer"])
    pixels = description["pixels"]
    whole = Normalized(made, **pixels) if pixels else made
    logits, gradient, own = reference(whole, expected["images"], description["labels"])
    errors = [
        relative_error(expected["logits"], logits),
        relative_error(expected["inputGradient"], gradient),
    ]
    print(
        f"{folder.name}: logits {errors[0]:.1e}, gradient {errors[1]:.1e}; "
        f"PyTorch's float32: {own[0]:.1e}, {own[1]:.1e}"
    )
    if description["control"]:
        return errors[0] > VISIBLE
    floors = (TOLERANCE, TOLERANCE if description["smooth"] else TOLERANCE_OF_KINKS)
    return all(error < max(floor, 4 * of) for error, floor, of in zip(errors, floors, own))


def loaded(file, description):
    """The peer's network with the weights, by both ways in use; each refuses a name too many or too few."""
    made = network(**description)
    made.load_state_dict(load_file(file), strict=True)
    again = network(**description)
    load_model(again, file, strict=True)
    for name, value in made.state_dict().items():
        if not torch.equal(value, again.state_dict()[name]):
            raise ValueError(f"{file}: {name} is not the same by load_state_dict and by load_model.")
    return made
