"""The WideResNet of TRADES and RobustBench for images of any size, with the names that weights are saved under."""

import torch
from safetensors.torch import load_file
from torch import nn


class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.convShortcut = None
        if before != after:
            self.convShortcut = nn.Conv2d(before, after, 1, stride=stride, bias=False)

    def forward(self, x):
        activated = self.relu1(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(activated)
        return shortcut + self.conv2(self.relu2(self.bn2(self.conv1(activated))))


class Group(nn.Module):
    def __init__(self, blocks, before, after, stride):
        super().__init__()
        self.layer = nn.Sequential(
            *(Block(after if i else before, after, 1 if i else stride) for i in range(blocks))
        )

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, depth, width_factor, classes, channels):
        super().__init__()
        blocks = (depth - 4) // 6
        widths = [16, 16 * width_factor, 32 * width_factor, 64 * width_factor]
        self.conv1 = nn.Conv2d(channels, widths[0], 3, padding=1, bias=False)
        self.block1 = Group(blocks, widths[0], widths[1], 1)
        self.block2 = Group(blocks, widths[1], widths[2], 2)
        self.block3 = Group(blocks, widths[2], widths[3], 2)
        self.bn1 = nn.BatchNorm2d(widths[3])
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(widths[3], classes)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(self.relu(self.bn1(x)).mean((2, 3)))


def load_network(file, depth, width_factor, classes, channels):
    """In evaluation mode, and without gradients for its weights, which some attacks would compute."""
    network = WideResNet(depth, width_factor, classes, channels)
    network.load_state_dict(load_file(file), strict=True)
    return network.eval().requires_grad_(False)


def predictions(network, images, batch=100):
    with torch.no_grad():
        return torch.cat([network(part).argmax(1) for part in images.split(batch)])
