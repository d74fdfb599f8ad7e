"""The photographs and the expected pixels for `packages/datasets/test/decoding-oracle.test.ts`.

    python make_image_fixtures.py images    writes the photographs (their bytes depend on Pillow's version)
    python make_image_fixtures.py           writes expected.json for the photographs that are there

Every value comes from the Python original: torchvision on Pillow, RobustBench's composition of it, tensorpack on
OpenCV, and TensorFlow 1's functions in TensorFlow 2. The random numbers of the training forms are put into the
originals in place of their own. Packages: requirements-images.txt.
"""

import hashlib
import importlib.util
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

sys.modules["triton"] = None  # its copy of LLVM collides with TensorFlow's

import cv2
import numpy as np
import PIL
import tensorflow as tf
import torch
import torchvision
from PIL import Image
from tensorpack.dataflow import imgaug
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import transforms as originals

# Intel's library, which only some builds of OpenCV have, rounds another way.
cv2.ipp.setUseIPP(False)

FOLDER = Path(__file__).parents[2] / "packages/datasets/test/fixtures/images"
SIZE = 224
SAMPLES = 150


def write_images():
    """From scikit-image's photographs: coffee (CC0), chelsea (CC0), astronaut (public domain), rocket (public domain)."""
    data = Path(importlib.util.find_spec("skimage").submodule_search_locations[0]) / "data"
    opened = lambda name: Image.open(data / name).convert("RGB")
    coffee, chelsea, astronaut, rocket = map(opened, ["coffee.png", "chelsea.png", "astronaut.png", "rocket.jpg"])
    small = coffee.resize((90, 60), Image.LANCZOS)
    saved = lambda image, name, **options: image.save(FOLDER / name, **options)
    FOLDER.mkdir(exist_ok=True)
    saved(coffee.resize((500, 333), Image.LANCZOS), "landscape.jpg", quality=85)
    portrait = chelsea.crop((100, 0, 325, 300))
    saved(portrait, "portrait-progressive.jpg", quality=85, progressive=True)
    saved(astronaut.resize((256, 256), Image.LANCZOS), "full-chroma.jpg", quality=80, subsampling=0)
    saved(rocket.resize((320, 213), Image.LANCZOS), "half-chroma.jpg", quality=80, subsampling=1)
    saved(rocket.resize((160, 106), Image.LANCZOS).convert("L"), "grey.jpg", quality=80)
    saved(small.convert("CMYK"), "cmyk.jpg", quality=85)
    # The same numbers taken for YCCK, Photoshop's way: false colours, but a right file.
    ycck = bytearray((FOLDER / "cmyk.jpg").read_bytes())
    ycck[ycck.index(b"Adobe") + 11] = 2
    (FOLDER / "ycck.jpg").write_bytes(ycck)
    saved(coffee.resize((20, 15), Image.LANCZOS), "tiny.jpg", quality=85)
    saved(coffee.resize((300, 9), Image.LANCZOS), "strip.jpg", quality=85)
    exif = Image.Exif()
    exif[0x0112] = 6
    saved(small, "orientation.jpg", quality=85, exif=exif)
    mini = coffee.resize((45, 30), Image.LANCZOS)
    saved(mini, "png-named.JPEG", format="PNG")
    transparent = mini.copy()
    transparent.putalpha(Image.linear_gradient("L").resize(mini.size))
    saved(transparent, "alpha.png")
    saved(mini.quantize(32), "palette.png", transparency=3)
    saved(mini.convert("LA"), "grey-alpha.png")
    saved(mini.quantize(32), "gif-named.JPEG", format="GIF")
    wide = np.asarray(mini)[:, :, ::-1].astype(np.uint16) * 257 - 40 * (np.asarray(mini)[:, :, ::-1] > 0)
    cv2.imwrite(str(FOLDER / "16-bit.png"), wide.astype(np.uint16))
    whole = io.BytesIO()
    small.save(whole, "JPEG", quality=85)
    damaged = bytearray(whole.getvalue())
    damaged[len(damaged) * 2 // 3] ^= 0x55
    (FOLDER / "damaged.jpg").write_bytes(damaged)
    (FOLDER / "extraneous.jpg").write_bytes(whole.getvalue()[:-2] + b"\x12\x34\x56" * 4 + b"\xff\xd9")


def pillow(name):
    return Image.open(FOLDER / name).convert("RGB")


class Draws:
    """Uniform numbers at fixed places: those of attempt k, then those for the place, then that for the flip."""

    def __init__(self, seed, tries, each):
        self.values = np.random.RandomState(seed).uniform(size=tries * each + 3)
        self.next = 0
        self.places = iter(self.values[tries * each :])

    def take(self):
        self.next += 1
        return self.values[self.next - 1]


class FakeTorch:
    """torch, but for the random numbers that RandomResizedCrop asks it for: `order` is that of the two for the place."""

    def __init__(self, draws, order):
        self.draws, self.order = draws, order

    def __getattr__(self, name):
        return getattr(torch, name)

    def empty(self, _):
        between = lambda low, high: float(low) + (float(high) - float(low)) * self.draws.take()
        return SimpleNamespace(uniform_=lambda low, high: torch.tensor(between(low, high), dtype=torch.float64))

    def randint(self, low, high, size):
        place = len(self.draws.values) - 3 + self.order.pop(0)
        return torch.tensor([int(low + (high - low) * self.draws.values[place])])


def torchvision_with(interpolation):
    def evaluation(name):
        steps = [transforms.Resize(256, interpolation=interpolation), transforms.CenterCrop(SIZE)]
        return np.asarray(transforms.Compose(steps)(pillow(name)))

    def training(name, seed):
        draws = Draws(seed, 10, 2)
        # It draws y before x; here x has the first number.
        originals.torch = FakeTorch(draws, [1, 0])
        crop = transforms.RandomResizedCrop(SIZE, interpolation=interpolation)
        image = pillow(name)
        y, x, h, w = crop.get_params(image, crop.scale, crop.ratio)
        originals.torch = torch
        resized = transforms.functional.resized_crop(image, y, x, h, w, crop.size, interpolation)
        flipped = transforms.functional.hflip(resized) if draws.values[-1] < 0.5 else resized
        return np.asarray(flipped), [x, y, w, h], draws.values

    return evaluation, training


def opencv(name):
    # OpenCV turns an image by its EXIF orientation unless told not to.
    decoded = cv2.imdecode(np.fromfile(FOLDER / name, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert np.array_equal(decoded[:, :, ::-1], np.asarray(pillow(name)))
    return decoded


def fbresnet_evaluation(name):
    steps = imgaug.AugmentorList([imgaug.ResizeShortestEdge(256, cv2.INTER_CUBIC), imgaug.CenterCrop((SIZE, SIZE))])
    return steps.augment(opencv(name))[:, :, ::-1]


class FakeRandom:
    """numpy's RandomState for tensorpack."""

    def __init__(self, draws):
        self.draws = draws

    def uniform(self, low=0.0, high=1.0):
        return low + (high - low) * self.draws.take()

    def randint(self, low, high):
        return int(low + (high - low) * next(self.draws.places))


def fbresnet_training(name, seed):
    draws = Draws(seed, 10, 3)
    crop, flip = imgaug.GoogleNetRandomCropAndResize(), imgaug.Flip(horiz=True)
    crop.rng = FakeRandom(draws)
    image = opencv(name)
    transform = crop.get_transform(image)
    made = transform.apply_image(image)
    if draws.values[-1] < flip.prob:
        made = made[:, ::-1]
    first = transform.tfms[0]
    box = [first.x0, first.y0, first.w, first.h] if hasattr(first, "x0") else [0, 0, image.shape[1], image.shape[0]]
    return made[:, :, ::-1], box, draws.values


def resize_tensorflow(image):
    return tf.compat.v1.image.resize_bilinear(image[None], [SIZE, SIZE], align_corners=False)[0].numpy()


def inception_evaluation(name):
    image = tf.image.convert_image_dtype(np.asarray(pillow(name)), tf.float32)
    return resize_tensorflow(tf.image.central_crop(image, 0.875))


def inception_boxes(width, height, count=4000):
    """Means of what TensorFlow draws: its random numbers can't be put in from outside."""
    boxes = []
    for seed in range(count):
        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            [height, width, 3], tf.zeros([1, 0, 4]), seed=[seed, 1], min_object_covered=0.1,
            aspect_ratio_range=[0.75, 1.33], area_range=[0.05, 1.0], max_attempts=100,
            use_image_if_no_bounding_boxes=True)
        boxes.append([int(begin[1]), int(begin[0]), int(size[1]), int(size[0])])
    x, y, w, h = np.array(boxes, dtype=float).T
    quantities = {"area": w * h / (width * height), "aspect": w / h, "x": x / width, "y": y / height}
    return {key: {"mean": float(v.mean()), "deviation": float(v.std())} for key, v in quantities.items()}


def sampled(values):
    """150 values spread over the image, and for bytes a hash of them all."""
    flat = np.ascontiguousarray(values).reshape(-1)
    indices = [(i * 7919 * 3 + i % 3) % flat.size for i in range(SAMPLES)]
    found = {"samples": [int(v) if flat.dtype == np.uint8 else round(float(v), 7) for v in flat[indices]]}
    if flat.dtype == np.uint8:
        found["sha256"] = hashlib.sha256(flat.tobytes()).hexdigest()
    return found


def expectations():
    bilinear = torchvision_with(InterpolationMode.BILINEAR)
    bicubic = torchvision_with(InterpolationMode.BICUBIC)
    names = sorted(path.name for path in FOLDER.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    preprocessings = {
        "torchvision": bilinear,
        "robustbench-bicubic": bicubic,
        "fbresnet": (fbresnet_evaluation, fbresnet_training),
        "inception": (inception_evaluation, None),
    }
    plain = ["landscape.jpg", "portrait-progressive.jpg", "full-chroma.jpg", "tiny.jpg", "strip.jpg"]
    cases, decoded = [], {}
    for name in names:
        pixels = np.asarray(pillow(name))
        decoded[name] = {"width": pixels.shape[1], "height": pixels.shape[0], **sampled(pixels)}
    for preprocessing, (evaluation, training) in preprocessings.items():
        for name in plain:
            cases.append({"preprocessing": preprocessing, "image": name, **sampled(evaluation(name))})
            for seed in range(3 if training else 0):
                values, box, draws = training(name, seed)
                found = {"box": [int(edge) for edge in box], "draws": [round(float(d), 12) for d in draws]}
                cases.append({"preprocessing": preprocessing, "image": name, **found, **sampled(values)})
    boxes = [{"width": w, "height": h, **inception_boxes(w, h)} for w, h in [(500, 375), (375, 500), (300, 60)]]
    versions = {"pillow": PIL.__version__, "torchvision": torchvision.__version__, "opencv": cv2.__version__, "tensorflow": tf.__version__}
    return {"versions": versions, "decoded": decoded, "cases": cases, "inceptionBoxes": boxes}


if __name__ == "__main__":
    if sys.argv[1:] == ["images"]:
        write_images()
    text = json.dumps(expectations()).replace("}, {", "},\n{")
    (FOLDER / "expected.json").write_text(text + "\n")
