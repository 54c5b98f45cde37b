"""Makes the networks and the values of the tests of package onnx.

    pip install onnx onnxruntime numpy pillow && python3 make.py

tiny.onnx is a convolution with two outputs, spatial and pooled; fixed.onnx takes four
images a call, channels last. expected.json has, for images that the test draws too, what
ONNX Runtime's Python gives on inputs that Pillow and NumPy prepared.
"""
import json
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from PIL import Image

rng = np.random.default_rng(15)


def network(path, shape, nodes, weights, outputs):
    graph = h.make_graph(nodes, "features", [h.make_tensor_value_info("pixels", T.FLOAT, shape)],
                         [h.make_tensor_value_info(n, T.FLOAT, s) for n, s in outputs], [nh.from_array(w, n) for n, w in weights.items()])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8), path)


w = rng.normal(size=(6, 3, 3, 3)).astype(np.float32) * 0.3
network("tiny.onnx", ["n", 3, 12, 12],
        [h.make_node("Conv", ["pixels", "w"], ["c"], strides=[2, 2]), h.make_node("Relu", ["c"], ["spatial"]),
         h.make_node("GlobalAveragePool", ["spatial"], ["g"]), h.make_node("Flatten", ["g"], ["pooled"])],
        {"w": w}, [("pooled", ["n", 6]), ("spatial", ["n", 6, 5, 5])])
network("fixed.onnx", [4, 12, 12, 1], [h.make_node("Reshape", ["pixels", "s"], ["flat"]), h.make_node("MatMul", ["flat", "m"], ["features"])],
        {"s": np.array([4, 144]), "m": rng.normal(size=(144, 5)).astype(np.float32)}, [("features", [4, 5])])
network("two.onnx", ["n", 3, 12], [h.make_node("Identity", ["pixels"], ["same"])], {}, [("same", ["n", 3, 12])])


def picture(i, size, channels):
    """As the test draws it: integers alone."""
    y, x, c = np.mgrid[0:size, 0:size, 0:channels]
    return ((x * 7 + y * 13 + c * 29 + i * 31 + (x * y * (i + 1)) % 17 * 5) % 256).astype(np.uint8)


def resized(img, how, to=12):
    filters = {"bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR}
    planes = []
    for c in range(img.shape[2]):
        p = img[..., c].astype(np.float32)
        if how in filters:
            p = np.asarray(Image.fromarray(p, mode="F").resize((to, to), filters[how]))
        elif how == "tensorflow1":
            at = np.arange(to, dtype=np.float32) * np.float32(img.shape[0] / to)
            lo = at.astype(int)
            hi = np.minimum(lo + 1, img.shape[0] - 1)
            s = (at - lo).astype(np.float32)
            p = p[lo] * (1 - s)[:, None] + p[hi] * s[:, None]
            p = p[:, lo] * (1 - s) + p[:, hi] * s
        planes.append(p)
    return np.stack(planes)


def given(images, how, order, scale, mean, std):
    out = []
    for img in images:
        x = resized(img, how)
        if order == "grey" and len(x) == 3:
            x = np.tensordot([0.299, 0.587, 0.114], x, 1)[None]
        if order != "grey" and len(x) == 1:
            x = np.repeat(x, 3, 0)
        if order == "bgr":
            x = x[::-1]
        out.append((x * scale - np.reshape(mean, (-1, 1, 1))) / np.reshape(std, (-1, 1, 1)))
    return np.stack(out).astype(np.float32)


cases = []
for net, output, size, channels, how, order, pool in [
        ("tiny", "pooled", 20, 3, "bicubic", "rgb", "none"), ("tiny", "pooled", 20, 3, "bilinear", "bgr", "none"),
        ("tiny", "pooled", 8, 1, "bicubic", "rgb", "none"), ("tiny", "spatial", 31, 3, "tensorflow1", "rgb", "mean"),
        ("tiny", "pooled", 12, 3, "none", "rgb", "none"), ("fixed", "features", 28, 3, "bilinear", "grey", "none"),
        ("fixed", "features", 12, 1, "none", "grey", "none")]:
    images = [picture(i, size, channels) for i in range(6)]
    mean, std = ([0.5], [0.25]) if order == "grey" else ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    x = given(images, how, order, 1 / 255, mean, std)
    s = onnxruntime.InferenceSession(net + ".onnx", providers=["CPUExecutionProvider"])
    if net == "fixed":
        x = x.transpose(0, 2, 3, 1)
        y = np.concatenate([s.run([output], {"pixels": np.concatenate([x, x])[i:i + 4]})[0] for i in (0, 4)])[:6]
    else:
        y = s.run([output], {"pixels": x})[0]
    if pool == "mean":
        y = y.mean((2, 3))
    cases.append({"network": net, "output": output, "size": size, "channels": channels, "resize": how, "order": order, "pool": pool,
                  "mean": mean, "std": std, "layout": "nhwc" if net == "fixed" else "nchw", "features": y.astype(float).tolist()})
with open("expected.json", "w") as f:
    json.dump(cases, f, indent=0)

# Networks of TestGraphs and of what else is refused. external.onnx is tiny.onnx with its
# weights in external.bin beside it; dynamic.onnx leaves the size of images open, and
# loose.onnx does so although it can take 12 by 12 alone; double.onnx is not of float32.
network("external.onnx", ["n", 3, 12, 12],
        [h.make_node("Conv", ["pixels", "w"], ["c"], strides=[2, 2]), h.make_node("Relu", ["c"], ["spatial"]),
         h.make_node("GlobalAveragePool", ["spatial"], ["g"]), h.make_node("Flatten", ["g"], ["pooled"])],
        {"w": w}, [("pooled", ["n", 6]), ("spatial", ["n", 6, 5, 5])])
model = onnx.load("external.onnx")
onnx.save(model, "external.onnx", save_as_external_data=True, location="external.bin", size_threshold=0)
network("dynamic.onnx", ["n", 3, "h", "w"],
        [h.make_node("Conv", ["pixels", "w"], ["c"], strides=[2, 2]), h.make_node("GlobalAveragePool", ["c"], ["g"]),
         h.make_node("Flatten", ["g"], ["pooled"])], {"w": w}, [("pooled", ["n", 6])])
network("loose.onnx", ["n", 3, "h", "w"], [h.make_node("Flatten", ["pixels"], ["f"]), h.make_node("MatMul", ["f", "m"], ["features"])],
        {"m": np.ones((432, 5), np.float32)}, [("features", ["n", 5])])
graph = h.make_graph([h.make_node("Flatten", ["pixels"], ["f"])], "features", [h.make_tensor_value_info("pixels", T.DOUBLE, ["n", 3, 12, 12])],
                     [h.make_tensor_value_info("f", T.DOUBLE, ["n", 432])])
onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8), "double.onnx")
