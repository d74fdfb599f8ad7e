"""Theirs to ours: other people's networks, saved as they save them, with what PyTorch computes of them in float64."""

import json
from dataclasses import dataclass
from typing import Callable

import torch
from safetensors.torch import save_file
from timm.models import save_for_hf
from torch import nn
from transformers import ConvNextImageProcessor

from peers_conversion import convert_as_documented
from peers_networks import Normalized, network, robustbench
from peers_reference import images_of_size, reference, write_expected

NUM_CLASSES = 10
TRAINING_SIZES = (32, 64, 65)
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
CIFAR10 = {"mean": [0.4914, 0.4822, 0.4465], "std": [0.2471, 0.2435, 0.2616]}


# How they are saved ------------------------------------------------------------------------------------


def as_safetensors(made, folder, **_):
    save_file(made.state_dict(), folder / "weights.safetensors")


def as_data_parallel(made, folder, **_):
    as_safetensors(nn.DataParallel(made), folder)


def as_checkpoint(made, folder, **_):
    """A `.pt` as training scripts write it, then turned into safetensors."""
    state = nn.DataParallel(made).state_dict()
    converted({"epoch": 90, "state_dict": state}, folder)


def converted(checkpoint, folder):
    torch.save(checkpoint, folder / "model.pt")
    convert_as_documented(folder / "model.pt", folder / "weights.safetensors")


def behind_normalizer(made, folder, **_):
    """As RobustBench keeps networks for ImageNet: behind a module whose buffers are the mean and the deviation."""
    wrap = robustbench("utils_architectures").normalize_model
    as_safetensors(wrap(made, **IMAGENET), folder)


def with_mu_and_sigma(made, folder, **_):
    """As RobustBench keeps many networks for CIFAR-10."""
    for name, values in (("mu", CIFAR10["mean"]), ("sigma", CIFAR10["std"])):
        made.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1))
    as_safetensors(made, folder)


class Attacked(nn.Module):
    """The modules of Madry's `robustness`: each network twice, the second time inside the attacker."""

    def __init__(self, made, inner=None):
        super().__init__()
        normalizer = nn.Module()
        normalizer.register_buffer("new_mean", torch.tensor(IMAGENET["mean"])[:, None, None])
        normalizer.register_buffer("new_std", torch.tensor(IMAGENET["std"])[:, None, None])
        if inner is None:
            self.normalizer = normalizer
            self.model = made
            self.attacker = Attacked(made, normalizer)
        else:
            self.normalize = inner
            self.model = made


def inside_attacker(made, folder, **_):
    """Each tensor has two names in the `.pt`, which safetensors doesn't know."""
    converted(nn.DataParallel(Attacked(made)).state_dict(), folder)


def as_timm_folder(made, folder, size):
    save_for_hf(made, folder, safe_serialization=True, data_config={"input_size": (3, size, size)})


def as_transformers_folder(made, folder, size):
    made.save_pretrained(folder)
    ConvNextImageProcessor(
        size={"shortest_edge": size}, image_mean=IMAGENET["mean"], image_std=IMAGENET["std"]
    ).save_pretrained(folder)


# Which -------------------------------------------------------------------------------------------------


@dataclass
class Case:
    name: str
    peer: dict
    size: int
    ours: dict  # the options of our network; without any, loadModel takes the whole folder
    pixels: dict | None = None  # what the peer's images are normalised with, outside of it
    save: Callable = as_safetensors
    dtype: torch.dtype = torch.float32
    images: int = 2
    smooth: bool = False  # neither ReLU nor max pooling, whose kinks magnify rounding errors


def resnet_case(name, peer, depth, size, stem="imagenet", ours=None, activation="relu", **more):
    description = {"peer": peer, "depth": depth, "activation": activation}
    options = {"architecture": "resnet", "depth": depth, "activation": activation, "stem": stem}
    return Case(name, description, size, options if ours is None else ours, **more)


def wide_case(name, depth, width, subBlock=False, **more):
    options = {"depth": depth, "widthFactor": width, "activation": "relu"}
    description = {"peer": "robustbench-wide-resnet", "subBlock": subBlock, **options}
    return Case(name, description, 32, {"architecture": "wide-resnet", **options}, **more)


CASES = [
    resnet_case("torchvision-resnet-18", "torchvision", 18, 64),
    resnet_case("torchvision-resnet-34-odd", "torchvision", 34, 65),
    resnet_case("torchvision-resnet-50-224", "torchvision", 50, 224, images=1),
    resnet_case("torchvision-resnet-50-softplus", "torchvision", 50, 64, activation="softplus"),
    resnet_case("torchvision-resnet-101", "torchvision", 101, 64),
    resnet_case("torchvision-resnet-152", "torchvision", 152, 64),
    resnet_case("torchvision-resnet-18-pt", "torchvision", 18, 64, save=as_checkpoint),
    resnet_case(
        "robustbench-normalized-resnet-18", "torchvision", 18, 64, pixels=IMAGENET, save=behind_normalizer
    ),
    resnet_case("madry-resnet-18", "torchvision", 18, 64, pixels=IMAGENET, save=inside_attacker),
    resnet_case("timm-resnet-50-folder", "timm", 50, 65, ours={}, pixels=IMAGENET, save=as_timm_folder),
    resnet_case("transformers-resnet-50", "transformers", 50, 64),
    resnet_case(
        "transformers-resnet-18-folder",
        "transformers",
        18,
        224,
        ours={},
        pixels=IMAGENET,
        save=as_transformers_folder,
        images=1,
    ),
    resnet_case("robustbench-resnet-18", "robustbench-resnet", 18, 32, stem="cifar"),
    resnet_case("robustbench-resnet-50", "robustbench-resnet", 50, 32, stem="cifar"),
    wide_case("robustbench-wrn-10-1", 10, 1),
    wide_case("robustbench-wrn-16-2", 16, 2),
    wide_case("robustbench-wrn-16-2-trades", 16, 2, subBlock=True, save=as_data_parallel),
    wide_case("robustbench-wrn-16-2-data-parallel", 16, 2, save=as_data_parallel),
    wide_case("robustbench-wrn-16-2-mu-sigma", 16, 2, pixels=CIFAR10, save=with_mu_and_sigma),
    wide_case("robustbench-wrn-16-2-float16", 16, 2, dtype=torch.float16),
    wide_case("robustbench-wrn-16-2-bfloat16", 16, 2, dtype=torch.bfloat16),
    Case(
        "deepmind-wrn-16-2",
        {"peer": "deepmind-wide-resnet", "depth": 16, "widthFactor": 2, "activation": "silu"},
        32,
        {
            "architecture": "wide-resnet",
            "depth": 16,
            "widthFactor": 2,
            "activation": "silu",
            "padding": "same",
            **CIFAR10,
        },
        smooth=True,
    ),
]


# Writing -----------------------------------------------------------------------------------------------


def write_theirs(folder):
    """`theirs`, a folder for each case: weights, `peer.json` and `expected.safetensors`; and `images` to train on."""
    for size in TRAINING_SIZES:
        write_images(folder / "images", size, 4)
    for case in CASES:
        target = folder / "theirs" / case.name
        target.mkdir(parents=True)
        write_case(case, target)
        print(f"wrote {case.name}")


def write_images(folder, size, count):
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = images_of_size(size, count)
    arrays = {"images": torch.from_numpy(images), "labels": torch.tensor(labels).float()}
    save_file(arrays, folder / f"{size}.safetensors")


def write_case(case, folder):
    torch.manual_seed(0)
    images, labels = images_of_size(case.size, 4)
    made = network(**case.peer, numClasses=NUM_CLASSES)
    pixels = case.pixels
    randomize(made, Normalized(made, **pixels) if pixels else made, images)
    made.to(case.dtype)
    # Wrapping for the file may add buffers: what is computed is computed of the network before that.
    whole = Normalized(made, **pixels) if pixels else made
    images, labels = images[: case.images], labels[: case.images]
    logits, gradient, errors = reference(whole, images, labels)
    case.save(made, folder, size=case.size)
    write_expected(folder, images, logits, gradient)
    options = {"numClasses": NUM_CLASSES, "inputShape": [case.size, case.size, 3], **(pixels or {})}
    description = {
        "peer": case.peer,
        "ours": {**case.ours, **options} if case.ours else None,
        "labels": labels,
        "smooth": case.smooth,
        "errorOfFloat32": dict(zip(("logits", "inputGradient"), errors)),
    }
    (folder / "peer.json").write_text(json.dumps(description, indent=2) + "\n")


def randomize(made, whole, images):
    """
    Scales and offsets that are neither 1 nor 0, and the running statistics of the images. The norm that ends
    a residual branch is scaled down, as training does: otherwise a deep network is chaotic in float32.
    """
    generator = torch.Generator().manual_seed(0)
    last = [last_norm(module) for module in made.modules()]
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            largest = 0.3 if any(module is norm for norm in last) else 1
            shape = module.weight.shape
            module.weight.data = largest * (torch.rand(shape, generator=generator) + 0.5)
            module.bias.data = 0.2 * torch.randn(shape, generator=generator)
            module.momentum = None
    whole.train()
    with torch.no_grad():
        whole(torch.from_numpy(images).permute(0, 3, 1, 2))
    whole.eval()


def last_norm(block):
    """The norm that ends the branch of a post-activation block, of any of the peers."""
    if hasattr(block, "convShortcut"):
        return None
    if hasattr(block, "layer") and hasattr(block, "shortcut"):
        return getattr(block.layer[-1], "normalization", None)
    return getattr(block, "bn3", None) or (hasattr(block, "conv1") and getattr(block, "bn2", None))
