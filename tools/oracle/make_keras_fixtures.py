"""Makes packages/models/test/fixtures/keras.json: a Keras network, converted to a tf.LayersModel and to a tf.GraphModel,
and what Keras itself gives: logits, the input gradient of the cross-entropy, and the gradient of its squared norm.

    pip install tensorflow-cpu==2.15.1 'numpy<2' 'setuptools<80' tensorflow_hub tf_keras==2.15.1 importlib_resources
    pip install --no-deps tensorflowjs==4.22.0
    python make_keras_fixtures.py
"""

import base64
import json
import pathlib
import sys
import tempfile
import types

import numpy as np

# The converter imports these for other kinds of models.
for name in ["jax", "jax.experimental", "jax.experimental.jax2tf", "tensorflow_decision_forests"]:
    sys.modules[name] = types.ModuleType(name)
sys.modules["jax.experimental"].jax2tf = sys.modules["jax.experimental.jax2tf"]
np.object, np.bool = object, bool

import keras
import tensorflow as tf
from keras import layers
from tensorflowjs.converters import save_keras_model
from tensorflowjs.converters.tf_saved_model_conversion_v2 import convert_tf_saved_model

fixture = pathlib.Path(__file__).parents[2] / "packages/models/test/fixtures/keras.json"


def normalized(x, activation):
    return layers.Activation(activation)(layers.BatchNormalization()(x))


def network():
    """What mobile networks are made of, for images of 0 to 255."""
    images = layers.Input((16, 16, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = normalized(layers.Conv2D(8, 3, strides=2, use_bias=False)(x), "relu6")
    y = normalized(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x), "relu")
    x = layers.Add()([x, normalized(layers.Conv2D(8, 1, use_bias=False)(y), "relu")])
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.SeparableConv2D(12, 3, padding="same", activation="relu")(x)
    x = layers.AveragePooling2D(2, strides=1, padding="same")(x)
    x = layers.Conv2D(12, 3, padding="same", activation="elu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.3)(layers.Reshape((1, 1, 12))(x))
    x = layers.Conv2D(16, 1, activation="swish")(x)
    x = layers.Dense(5, name="classes")(layers.Reshape((16,))(x))
    return images, x


def randomize(model, random):
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, layers.BatchNormalization):
            scale, offset, mean, variance = (w.shape for w in weights)
            weights = [
                random.uniform(0.5, 1.5, scale),
                random.normal(0, 0.3, offset),
                random.normal(0, 0.3, mean),
                random.uniform(0.5, 1.5, variance),
            ]
        else:
            weights = [w * 2 if w.ndim > 1 else random.normal(0, 0.2, w.shape) for w in weights]
        layer.set_weights(weights)


def packed(array):
    return base64.b64encode(np.asarray(array, np.float32).tobytes()).decode()


def converted(folder):
    """A converted model as one JSON object, for tf.io.fromMemory."""
    model = json.loads((folder / "model.json").read_text())
    weights = b"".join(
        (folder / path).read_bytes() for group in model["weightsManifest"] for path in group["paths"]
    )
    specs = [spec for group in model["weightsManifest"] for spec in group["weights"]]
    kept = {key: model[key] for key in ["modelTopology", "format", "signature"] if key in model}
    return {**kept, "weightSpecs": specs, "weightData": base64.b64encode(weights).decode()}


def as_layers_reads_it(model):
    """tfjs-layers refuses the options that a separable convolution of Keras says it has none of."""
    for layer in model["modelTopology"]["model_config"]["config"]["layers"]:
        if layer["class_name"] == "SeparableConv2D":
            for part in ["initializer", "regularizer", "constraint"]:
                layer["config"].pop(f"kernel_{part}", None)
    return model


def main():
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    images, logits = network()
    whole = keras.Model(images, layers.Softmax()(logits))
    randomize(whole, random)
    before = keras.Model(images, logits)

    x = tf.constant(random.uniform(0, 1, (3, 16, 16, 3)).astype(np.float32))
    labels = [0, 3, 1]
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            found = before(x * 255)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=found)
        gradient = inner.gradient(loss, x)
        squared = tf.reduce_sum(gradient**2)
    second = outer.gradient(squared, x)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        save_keras_model(whole, str(folder / "layers"))
        whole.save(folder / "saved")
        convert_tf_saved_model(str(folder / "saved"), str(folder / "graph"))
        result = {
            "layers": as_layers_reads_it(converted(folder / "layers")),
            "graph": converted(folder / "graph"),
        }
    result |= {
        "labels": labels,
        "images": packed(x),
        "logits": packed(found),
        "probabilities": packed(whole(x * 255)),
        "gradient": packed(gradient),
        "second": packed(second),
    }
    fixture.write_text(json.dumps(result) + "\n")
    print(sorted({node["op"] for node in result["graph"]["modelTopology"]["node"]}))


main()
