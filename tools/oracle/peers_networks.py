"""Other people's networks, from their own packages, each made of a description: `{"peer": …, "depth": …, …}`."""

import importlib.util
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn
from transformers import ResNetConfig, ResNetForImageClassification

ACTIVATIONS = {"softplus": nn.Softplus}
BOTTLENECKS = {18: False, 34: False, 50: True, 101: True, 152: True}
STAGES = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}


def robustbench(module):
    """One file of RobustBench: importing the whole package would need data sets, attacks and downloads."""
    folder = Path(importlib.util.find_spec("robustbench").submodule_search_locations[0])
    file = folder / "model_zoo" / "architectures" / f"{module}.py"
    spec = importlib.util.spec_from_file_location(f"robustbench_{module}", file)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def torchvision_resnet(depth, numClasses):
    return getattr(torchvision.models, f"resnet{depth}")(num_classes=numClasses)


def timm_resnet(depth, numClasses):
    return timm.create_model(f"resnet{depth}", pretrained=False, num_classes=numClasses)


def transformers_resnet(depth, numClasses):
    bottleneck = BOTTLENECKS[depth]
    return ResNetForImageClassification(
        ResNetConfig(
            depths=STAGES[depth],
            layer_type="bottleneck" if bottleneck else "basic",
            hidden_sizes=[(4 if bottleneck else 1) * width for width in (64, 128, 256, 512)],
            num_labels=numClasses,
        )
    )


def robustbench_resnet(depth, numClasses):
    resnet = robustbench("resnet")
    block = resnet.Bottleneck if BOTTLENECKS[depth] else resnet.BasicBlock
    return resnet.ResNet(block, STAGES[depth], numClasses)


def robustbench_wide_resnet(depth, widthFactor, numClasses, subBlock=False):
    """With TRADES's `sub_block1`, if asked for: weights that are saved, and never used."""
    wide_resnet = robustbench("wide_resnet")
    return wide_resnet.WideResNet(depth, numClasses, widthFactor, sub_block1=subBlock)


def deepmind_wide_resnet(depth, widthFactor, numClasses):
    """Its normalisation by CIFAR-10's mean and deviation is inside."""
    dm = robustbench("dm_wide_resnet")
    return dm.DMWideResNet(numClasses, depth, widthFactor, activation_fn=dm.Swish)


PEERS = {
    "torchvision": torchvision_resnet,
    "timm": timm_resnet,
    "transformers": transformers_resnet,
    "robustbench-resnet": robustbench_resnet,
    "robustbench-wide-resnet": robustbench_wide_resnet,
    "deepmind-wide-resnet": deepmind_wide_resnet,
}


def network(peer, activation, **options):
    """A peer's network with its own initial weights; another activation takes the place of every ReLU module."""
    made = PEERS[peer](**options)
    if activation != ("silu" if peer == "deepmind-wide-resnet" else "relu"):
        replaced = replace_relu(made, ACTIVATIONS[activation])
        if replaced == 0:
            raise ValueError(f"{peer} has no ReLU module to replace by {activation}.")
    return made.eval()


def replace_relu(module, activation):
    count = 0
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, activation())
            count += 1
        else:
            count += replace_relu(child, activation)
    return count


class Normalized(nn.Module):
    """Takes pixels in [0, 1], as networks here do; it adds nothing to the state_dict of the network."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network = network
        self.mean, self.std = ([[[value]] for value in values] for values in (mean, std))

    def forward(self, images):
        mean, std = (torch.tensor(values, dtype=images.dtype) for values in (self.mean, self.std))
        return self.network((images - mean) / std)
