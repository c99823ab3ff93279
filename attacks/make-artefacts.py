#!/usr/bin/env python3
"""Writes attacks/artefacts, small files that lie about networks, and fuzz/corpus/{onnx,weights,npz}. Only the standard library; the same bytes every time."""
import io
import json
import os
import struct
import zipfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "artefacts")


def varint(n):
    out = b""
    while True:
        out += bytes([(n & 127) | (128 if n > 127 else 0)])
        n >>= 7
        if not n:
            return out


def field(number, value):
    """A protobuf field: bytes are length-delimited, integers are varints."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (2**64 - 1))
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def dims(shape):
    return b"".join(field(1, it) for it in shape)


def tensor(name, shape, kind=1, raw=None, external=None):
    out = dims(shape) + field(2, kind) + field(8, name)
    if raw is not None:
        out += field(9, raw)
    if external:
        out += b"".join(field(13, field(1, k) + field(2, v)) for k, v in external.items()) + field(14, 1)
    return out


def port(name, kind=1):
    return field(1, name) + field(2, field(1, field(1, kind)))


def node(op, inputs, outputs, attributes=b""):
    return b"".join(field(1, it) for it in inputs) + b"".join(field(2, it) for it in outputs) + field(4, op) + attributes


def onnx(initialisers=(), nodes=None, more=b""):
    nodes = [node("Relu", ["x"], ["y"])] if nodes is None else nodes
    graph = b"".join(field(1, it) for it in nodes) + field(2, "g") + b"".join(field(5, it) for it in initialisers)
    graph += field(11, port("x")) + field(12, port("y"))
    return field(1, 8) + field(7, graph) + field(8, field(2, 17)) + more


def nested(depth):
    """A graph inside an attribute of a node of a graph, and so on."""
    graph = field(2, "inmost")
    for _ in range(depth):
        graph = field(1, node("If", [], [], field(5, field(1, "g") + field(6, graph) + field(20, 5))))
    return field(1, 8) + field(7, graph)


def safetensors(header, data=b"\0" * 8):
    header = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(header)) + header + data


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(tensors=1, notes=0, note=b"", infos=None, data=b"\0" * 64):
    infos = text("w") + struct.pack("<IQIQ", 1, 2, 0, 0) if infos is None else infos
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, notes) + note + infos
    return head + b"\0" * (-len(head) % 32) + data


def ct2_text(value):
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def ct2(version=6, count=1, shape=(2,), kind=0, size=8, data=b"\0" * 8, aliases=b"\0\0\0\0"):
    out = struct.pack("<I", version) + ct2_text("Spec") + struct.pack("<II", 1, count)
    out += ct2_text("w") + struct.pack("<B", len(shape)) + b"".join(struct.pack("<I", it) for it in shape)
    return out + struct.pack("<BI", kind, size) + data + aliases


def npy(header, data=b""):
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + data


def zipped(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as it:
        for name, data in members:
            it.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def array(shape, descr="'<f4'"):
    return "{'descr': %s, 'fortran_order': False, 'shape': %s, }" % (descr, shape)


FILES = {
    "external-up.onnx": onnx([tensor("w", [4], external={"location": "../../../../../../etc/passwd"})]),
    "external-root.onnx": onnx([tensor("w", [4], external={"location": "/etc/passwd"})]),
    "external-nowhere.onnx": onnx([tensor("w", [4], external={"location": "absent.bin"})]),
    "external-long.onnx": onnx([tensor("w", [4], external={"location": "deep.safetensors", "length": str(2**62)})]),
    "external-far.onnx": onnx([tensor("w", [4], external={"location": "deep.safetensors", "offset": str(2**64 - 8)})]),
    "external-huge.onnx": onnx([tensor("w", [2**40], external={"location": "deep.safetensors"})]),
    "dims-huge.onnx": onnx([tensor("w", [2**40, 2**20], raw=b"\0" * 4)]),
    "dims-overflow.onnx": onnx([tensor("w", [2**62, 2**62, 2**62], raw=b"\0" * 4)]),
    "dims-negative.onnx": onnx([tensor("w", [-1], raw=b"\0" * 4)]),
    "dims-many.onnx": onnx([tensor("w", [1] * 1000, raw=b"\0" * 4)]),
    "bytes-few.onnx": onnx([tensor("w", [4], raw=b"\0" * 4)]),
    "bytes-none.onnx": onnx([tensor("w", [2**30])]),
    "strings.onnx": onnx([tensor("w", [1], kind=8)]),
    "kind-unknown.onnx": onnx([tensor("w", [1], kind=99, raw=b"\0" * 4)]),
    "length-lies.onnx": field(1, 8) + varint(7 << 3 | 2) + varint(2**40),
    "varint-endless.onnx": b"\x08" + b"\xff" * 20,
    "deep.onnx": nested(60),
    "deeper.onnx": nested(5000),
    "function.onnx": onnx(more=field(25, field(1, "mine"))),
    "unknown-value.onnx": onnx(nodes=[node("Add", ["x", "z"], ["y"])]),
    "twice.onnx": onnx(nodes=[node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])]),
    "self.onnx": onnx(nodes=[node("Relu", ["y"], ["y"])]),
    "no-graph.onnx": field(1, 8),
    "many-nodes.onnx": onnx(nodes=[b""] * 200_000),
    "header-length-lies.safetensors": struct.pack("<Q", 2**63) + b"{}",
    "header-short.safetensors": struct.pack("<Q", 1000) + b"{}",
    "deep.safetensors": safetensors(b'{"w":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "offsets-far.safetensors": safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 2**40]}}),
    "offsets-back.safetensors": safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}),
    "shape-lies.safetensors": safetensors({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 8]}}),
    "shape-overflow.safetensors": safetensors({"w": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8]}}),
    "overlap.safetensors": safetensors({n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in "ab"}),
    "dtype-unknown.safetensors": safetensors({"w": {"dtype": "Q9", "shape": [2], "data_offsets": [0, 8]}}),
    "tensors-lie.gguf": gguf(tensors=2**63),
    "notes-lie.gguf": gguf(notes=2**40),
    "text-lies.gguf": gguf(notes=1, note=struct.pack("<Q", 2**62)),
    "list-lies.gguf": gguf(notes=1, note=text("k") + struct.pack("<IIQ", 9, 8, 2**60)),
    "list-long.gguf": gguf(notes=1, note=text("k") + struct.pack("<IIQ", 9, 0, 2**20)),
    "lists-deep.gguf": gguf(notes=1, note=text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 10_000),
    "dims-huge.gguf": gguf(infos=text("w") + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0)),
    "dims-many.gguf": gguf(infos=text("w") + struct.pack("<I", 2**31)),
    "offset-far.gguf": gguf(infos=text("w") + struct.pack("<IQIQ", 1, 2, 0, 2**64 - 32)),
    "alignment-zero.gguf": gguf(notes=1, note=text("general.alignment") + struct.pack("<II", 4, 0)),
    "kind-unknown.gguf": gguf(infos=text("w") + struct.pack("<IQIQ", 1, 32, 77, 0)),
    "rows-uneven.gguf": gguf(infos=text("w") + struct.pack("<IQIQ", 1, 33, 3, 0)),
    "twice.gguf": gguf(tensors=2, infos=(text("w") + struct.pack("<IQIQ", 1, 2, 0, 0)) * 2),
    "version-old.gguf": b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
    "version-old.ct2": ct2(version=3),
    "variables-lie.ct2": ct2(count=2**32 - 1),
    "size-lies.ct2": ct2(size=2**32 - 1),
    "shape-lies.ct2": ct2(shape=(2**32 - 1, 2**32 - 1)),
    "dims-many.ct2": ct2(shape=(1,) * 200),
    "kind-unknown.ct2": ct2(kind=9),
    "alias-unknown.ct2": ct2(aliases=struct.pack("<I", 1) + ct2_text("a") + ct2_text("b")),
    "alias-itself.ct2": ct2(aliases=struct.pack("<I", 1) + ct2_text("w") + ct2_text("w")),
    "version-later.inkpack": b"INKLPACK" + struct.pack("<II", 9, 0) + b"\0" * 32,
    "header-lies.inkpack": b"INKLPACK" + struct.pack("<II", 1, 2**32 - 1) + b"\0" * 32,
    "digest-wrong.inkpack": b"INKLPACK" + struct.pack("<II", 1, 2) + b"\0" * 32 + b"{}",
    "bomb.npz": zipped([("x.npy", npy(array("(33554432,)"), b"\0" * (1 << 27)))]),
    "shape-lies.npz": zipped([("x.npy", npy(array("(1099511627776,)"), b"\0" * 8))]),
    "shape-overflow.npz": zipped([("x.npy", npy(array("(9223372036854775807, 9223372036854775807)"), b"\0" * 8))]),
    "pickle.npz": zipped([("x.npy", npy(array("(1,)", "'|O'"), b"\x80\x04N."))]),
    "deep.npz": zipped([("x.npy", npy("(" * 60_000))]),
    "header-lies.npz": zipped([("x.npy", b"\x93NUMPY\x02\0" + struct.pack("<I", 2**32 - 1))]),
    "no-array.npz": zipped([("x.npy", b"hello")]),
    "torch.pt": zipped([("archive/data.pkl", b"\x80\x02}q\0."), ("archive/version", b"3\n")], zipfile.ZIP_STORED),
    "weights.pkl": b"\x80\x04\x95cposix\nsystem\n",
    "keras.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 32,
    "lite.tflite": b"\x1c\0\0\0TFL3" + b"\0" * 32,
    "empty.onnx": b"",
    "empty.gguf": b"GGUF",
    "diary.safetensors": b"Dear diary, these are no weights.",
}

# Sound files of each kind, for the fuzzer to start from.
CORPUS = {
    "onnx/relu.onnx": onnx(),
    "onnx/gemm.onnx": onnx(
        [tensor("w", [2, 2], raw=b"\0" * 16), tensor("h", [2], kind=10, raw=b"\0" * 4)],
        [node("Gemm", ["x", "w"], ["y"], field(5, field(1, "transB") + field(3, 1) + field(20, 2)))],
    ),
    "onnx/branch.onnx": nested(2),
    "weights/floats.safetensors": safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
    "weights/floats.gguf": gguf(notes=1, note=text("k") + struct.pack("<I", 8) + text("v")),
    "weights/blocks.gguf": gguf(infos=text("w") + struct.pack("<IQIQ", 1, 32, 3, 0)),
    "weights/floats.ct2": ct2(aliases=struct.pack("<I", 1) + ct2_text("a") + ct2_text("w")),
    "npz/array.npz": zipped([("x.npy", npy(array("(2,)"), b"\0" * 8))]),
    "npz/turned.npz": zipped([("x.npy", npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }", b"abcd"))]),
}

if __name__ == "__main__":
    for name, data in CORPUS.items():
        path = os.path.join(os.path.dirname(HERE), "..", "fuzz", "corpus", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(data)
    os.makedirs(HERE, exist_ok=True)
    for name, data in FILES.items():
        with open(os.path.join(HERE, name), "wb") as out:
            out.write(data)
