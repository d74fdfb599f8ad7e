"""
A PyTorch DataLoader with 2 workers and Pillow, as people write it. A step is a pass over so many batches.

    python torch_loader.py FOLDER imagenet|cifar10 BATCHES BATCH_SIZE
"""

import multiprocessing
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision import transforms
from torchvision.datasets import ImageFolder

sys.path.insert(0, str(Path(__file__).parent.parent / "peers"))
from protocol import serve  # noqa: E402

folder, data, batches, batch_size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


class Crops(torch.utils.data.Dataset):
    """32x32 images in memory, as torchvision's CIFAR10 keeps them."""

    def __init__(self, transform):
        self.images = np.fromfile(folder / "crops.bin", dtype=np.uint8).reshape(-1, 32, 32, 3)
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.images[index])), 0


def dataset():
    if data == "cifar10":
        crop = transforms.RandomCrop(32, padding=4)
        return Crops(transforms.Compose([crop, transforms.RandomHorizontalFlip(), transforms.ToTensor()]))
    crop = transforms.RandomResizedCrop(224)
    augmented = transforms.Compose([crop, transforms.RandomHorizontalFlip(), transforms.ToTensor()])
    return ImageFolder(folder / "jpegs", augmented)


def ticks(pid):
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])


class Variant:
    def __init__(self):
        images = torch.utils.data.Subset(dataset(), range(batches * batch_size))
        options = {"batch_size": batch_size, "shuffle": True, "drop_last": True}
        self.loader = torch.utils.data.DataLoader(images, num_workers=2, persistent_workers=True, **options)

    def step(self):
        return sum(float(images[0, 0, 0, 0]) for images, _ in self.loader)

    def cpu_time(self):
        """Seconds, of this process and its workers."""
        workers = multiprocessing.active_children()
        return time.process_time() + sum(ticks(worker.pid) for worker in workers) / os.sysconf("SC_CLK_TCK")


serve(Variant, f"torch {torch.__version__}, 2 workers, Pillow")
