"""
Makes the images that the loaders read: crops of 500x375 pixels from photographs that anyone may use (public domain or
CC0, from scikit-image), as JPEGs like ImageNet's (quality 95, 4:2:0), in two class folders; and 32x32 crops, as one
array. The same files at every call.

    python photos.py FOLDER JPEGS CROPS
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

folder, jpegs, crops = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
# Not imported, since of the package only its photographs are needed.
data = Path(find_spec("skimage").submodule_search_locations[0]) / "data"
names = ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"]
photos = [Image.open(data / name).convert("RGB") for name in names]
random = np.random.default_rng(0)


def crop(width, height, least):
    """A part of one of the photographs, of any size from `least` of its height, resized."""
    photo = photos[random.integers(len(photos))]
    h = int(photo.height * random.uniform(least, 1))
    w = min(photo.width, int(h * width / height))
    x, y = random.integers(photo.width - w + 1), random.integers(photo.height - h + 1)
    return photo.resize((width, height), Image.Resampling.LANCZOS, box=(x, y, x + w, y + h))


for index in range(jpegs):
    place = folder / "jpegs" / f"class-{index % 2}"
    place.mkdir(parents=True, exist_ok=True)
    image = crop(500, 375, 0.6)
    # Resized photographs are smoother than those of ImageNet: noise brings the files to their size, 110 KB.
    noisy = np.asarray(image, dtype=np.int16) + random.normal(0, 6, (375, 500, 1)).astype(np.int16)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(place / f"{index:05}.JPEG", quality=95, subsampling="4:2:0")

few = np.stack([np.asarray(crop(32, 32, 0.2)) for _ in range(500)])
few[random.integers(len(few), size=crops)].tofile(folder / "crops.bin")
