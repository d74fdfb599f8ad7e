"""
The peers' process: reads one task a line as JSON, answers with one line of JSON each.

python main.py FOLDER      (FOLDER: inputs.safetensors, networks.json, NETWORK/pytorch.safetensors)
"""

import json
import os
import sys
import time
from pathlib import Path

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # whatever libraries print is no answer

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from libraries import LIBRARIES, Task  # noqa: E402
from network import load_network, predictions  # noqa: E402

FORMATS = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"seconds": time.perf_counter() - wall, "cpuSeconds": time.process_time() - cpu}


class Peers:
    def __init__(self, folder):
        description = json.loads((folder / "networks.json").read_text())
        inputs = load_file(folder / "inputs.safetensors")
        self.images = inputs["images"].permute(0, 3, 1, 2).contiguous()
        self.labels = inputs["labels"].long()
        self.networks = {
            name: load_network(of["file"], **description["architecture"])
            for name, of in description["networks"].items()
        }

    def start(self, network, layout):
        return self.networks[network].to(memory_format=FORMATS[layout])

    def logits(self, network, layout):
        with torch.no_grad():
            logits = self.start(network, layout)(self.images)
        return {"logits": logits.tolist()}

    def gradient(self, network, layout, batch, times):
        """CPU and wall time of a gradient in the input and of a forward pass, the least of some."""
        made = self.start(network, layout)
        images, labels = self.images[:batch], self.labels[:batch]

        def gradient():
            at = images.clone().requires_grad_()
            loss = torch.nn.functional.cross_entropy(made(at), labels, reduction="sum")
            return torch.autograd.grad(loss, at)

        def forward():
            with torch.no_grad():
                return made(images)

        gradient()
        return {
            name: min((timed(work)[1] for _ in range(times)), key=lambda took: took["cpuSeconds"])
            for name, work in (("gradient", gradient), ("forward", forward))
        }

    def attack(self, network, layout, library, attack, options, images, batch, epsilon, seed):
        torch.manual_seed(seed)
        task = Task(
            network=self.start(network, layout),
            images=self.images[:images],
            labels=self.labels[:images],
            epsilon=epsilon,
            batch=batch,
            options=options,
        )
        runs, took = timed(lambda: LIBRARIES[library][attack](task))
        robust = torch.ones(images, dtype=torch.bool)
        outside = 0.0
        for perturbed in (task.images, *(run.detach().float() for run in runs)):
            robust &= predictions(task.network, perturbed) == task.labels
            outside = max(outside, distance_outside(perturbed, task))
        for name, images, labels, perturbed in task.tried:
            before, after = (predictions(task.network, x) == labels for x in (images, perturbed))
            task.parts[name]["broken"] += (before & ~after).sum().item()
        return {"robust": robust.tolist(), "outside": outside, "parts": task.parts, **took}


def distance_outside(perturbed, task):
    """How far the farthest pixel is outside the ball or the box."""
    ball = (perturbed - task.images).abs().max().item() - task.epsilon
    box = max(-perturbed.min().item(), perturbed.max().item() - 1)
    return max(ball, box, 0.0)


def main():
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    peers = Peers(Path(sys.argv[1]))
    print(json.dumps({"ready": f"PyTorch {torch.__version__}"}), file=answers)
    for line in sys.stdin:
        task = json.loads(line)
        print(json.dumps(getattr(peers, task.pop("do"))(**task)), file=answers)


main()
