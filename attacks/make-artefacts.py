#!/usr/bin/env python3
"""Writes attacks/artefacts, small files that lie about networks, and fuzz/corpus of networks. Only the standard library; the same bytes every time."""
import hashlib
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


def ct2_of(name, variables, aliases=()):
    """A whole file: variables are (name, shape, kind, bytes)."""
    out = struct.pack("<I", 6) + ct2_text(name) + struct.pack("<II", 3, len(variables))
    for key, shape, kind, data in variables:
        out += ct2_text(key) + struct.pack("<B", len(shape)) + b"".join(struct.pack("<I", it) for it in shape)
        out += struct.pack("<BI", kind, len(data)) + data
    return out + struct.pack("<I", len(aliases)) + b"".join(ct2_text(a) + ct2_text(b) for a, b in aliases)


def halves(count, seed=[1]):
    """Small numbers of a fixed sequence, as 16-bit floats."""
    out = []
    for _ in range(count):
        seed[0] = (seed[0] * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(((seed[0] >> 40) / 2**23 - 1) * 0.3)
    return struct.pack("<%de" % count, *out)


def whisper_shapes(width=16, bands=1, frames=2, inner=16, context=3, vocabulary=20):
    """Names and shapes of the smallest Whisper there can be."""
    yield from (("encoder/conv1/weight", (width, bands, 3)), ("encoder/conv1/bias", (width,)))
    yield from (("encoder/conv2/weight", (width, width, 3)), ("encoder/conv2/bias", (width,)))
    yield "encoder/position_encodings/encodings", (frames, width)
    yield "decoder/position_encodings/encodings", (context, width)
    yield "decoder/embeddings/weight", (vocabulary, width)
    parts = {"self_attention/linear_0": (3 * width, width), "self_attention/linear_1": (width, width)}
    parts |= {"ffn/linear_0": (inner, width), "ffn/linear_1": (width, inner)}
    source = {"attention/linear_0": (width, width), "attention/linear_1": (2 * width, width), "attention/linear_2": (width, width)}
    for half, layers, norms in (("encoder", parts, ("self_attention", "ffn")), ("decoder", parts | source, ("self_attention", "attention", "ffn"))):
        for part, shape in layers.items():
            yield f"{half}/layer_0/{part}/weight", shape
            yield f"{half}/layer_0/{part}/bias", shape[:1]
        for norm in [f"{half}/layer_0/{it}/layer_norm" for it in norms] + [f"{half}/layer_norm"]:
            yield f"{norm}/gamma", (width,)
            yield f"{norm}/beta", (width,)


TIED = (("decoder/projection/weight", "decoder/embeddings/weight"),)


def whisper(heads=1, activation=3, **change):
    """CTranslate2's file of it; `change` gives (shape, bytes) of a variable by its name with _ for /."""
    variables = []
    for name, shape in whisper_shapes():
        count = 1
        for it in shape:
            count *= it
        shape, data = change.get(name.replace("/", "_"), (shape, halves(count)))
        variables.append((name, shape, 4, data))
    for half in ("encoder", "decoder"):
        variables.append((f"{half}/num_heads", (), 2, struct.pack("<h", heads)))
    variables.append(("decoder/activation", (), 1, struct.pack("<b", activation)))
    return ct2_of("WhisperSpec", variables, TIED)


def packed(sections, notes=None, version=1):
    """Our packed form: sections are (name, shape, layout, bytes)."""
    room = 200 + sum(300 + len(it[0]) for it in sections)
    place, entries, body = 48 + room, [], b""
    for name, shape, layout, data in sections:
        start = -(-place // 64) * 64
        body += b"\0" * (start - place) + data
        place = start + len(data)
        entries.append({"name": name, "shape": list(shape), "layout": layout, "start": start, "len": len(data),
                        "sha256": hashlib.sha256(data).hexdigest()})
    header = json.dumps({"sections": entries, "notes": notes or {}}, separators=(",", ":")).encode().ljust(room)
    return b"INKLPACK" + struct.pack("<II", version, len(header)) + hashlib.sha256(header).digest() + header + body


def panels(inputs, outputs):
    """8-bit weights laid out for the kernels: zeros with scales of one."""
    columns, steps = -(-outputs // 16), -(-inputs // 16) * 4
    return struct.pack("<16i", *[2] * 16) + b"\0" * (columns * steps * 64) + struct.pack("<16f", *[1.0] * 16) * columns + b"\0" * (2 * columns * 64)


LAID = "own:u8s8-panels@1"


def port_of(name, dtype, shape):
    return {"name": name, "dtype": dtype, "shape": [{"Named": it} if isinstance(it, str) else {"Fixed": it} for it in shape]}


def plan(parts, inputs, outputs, precision="int8"):
    return json.dumps({"inputs": inputs, "outputs": outputs, "precision": precision, "plan": parts}, separators=(",", ":"))


def packed_plan(sections, text):
    notes = {"specification": {"text": "PlannedSpec"}}
    return packed(sections, notes if text is None else notes | {"plan": {"text": text}})


def packed_perceptron(layers=(((3, 2), LAID),), short=0, text=None, functions=None):
    """A perceptron's plan."""
    sections = [(f"layer{at}", shape, layout, panels(*shape)[: len(panels(*shape)) - short]) for at, (shape, layout) in enumerate(layers)]
    ports = [port_of("x", "f32", ["batch", 3])], [port_of("y", "f32", ["batch", 2])]
    parts = {"Perceptron": ["Relu"] * len(layers) if functions is None else functions}
    return packed_plan(sections, text or plan(parts, *ports))


def packed_text(heads=1, roles=({"Table": 0}, "Mask"), tables=1, rows=(4, 16), blocks=1, norm=(2, 16)):
    """The plan of an encoder of texts: one block, one table, one position for all."""
    floats = lambda count: struct.pack("<f", 0.5) * count
    sections = []
    for part, shape in (("attend", (16, 48)), ("output", (16, 16)), ("up", (16, 16)), ("down", (16, 16))):
        sections.append((f"block0/{part}", shape, LAID, panels(*shape)))
    for part in ("attention norm", "linear norm"):
        sections.append((f"block0/{part}", norm, "f32", floats(norm[0] * norm[1])))
    sections.append(("table0", rows, "own:s8-rows@1", b"\1" * (4 * 16) + floats(4)))
    sections.append(("positions", (1, 16), "f32", floats(16)))
    encoder = {"heads": heads, "residual": "PostNorm", "activation": "Gelu", "blocks": [[1e-5, 1e-5]] * blocks, "last_norm": None}
    parts = {"Texts": {"encoder": encoder, "roles": list(roles), "tables": tables, "norm": None, "pooling": {"Mean": {"normalised": True}}}}
    inputs = [port_of(name, "i64", ["batch", "tokens"]) for name in ("ids", "mask")]
    return packed_plan(sections, plan(parts, inputs, [port_of("y", "f32", ["batch", 16])]))


def packed_whisper(layout="own:u8s8-panels@1", short=0):
    """The smallest Whisper, laid out for the kernels: zeros with scales of one."""
    sections = []
    for name, shape in whisper_shapes():
        if name.endswith("/weight"):
            inputs, outputs = shape[1] * (shape[2] if len(shape) == 3 else 1), shape[0]
            data = panels(inputs, outputs)
            sections.append((name, (inputs, outputs), layout, data[: len(data) - short]))
        elif not name.endswith("/bias"):
            sections.append((name, shape, "f32", struct.pack("<f", 0.5) * (shape[0] * (shape[1] if len(shape) == 2 else 1))))
    for half in ("encoder", "decoder"):
        sections.append((f"{half}/num_heads", (), "i16", struct.pack("<h", 1)))
    return packed(sections, {"specification": {"text": "WhisperSpec"}})


def llama(width=32, heads=2, keys=1, vocabulary=16):
    """The smallest language network: one layer of 8-bit blocks, and words of one letter."""
    def note(key, kind, value):
        return text(key) + struct.pack("<I", kind) + value

    def texts(values):
        return struct.pack("<IQ", 8, len(values)) + b"".join(text(it) for it in values)

    notes = [note("general.architecture", 8, text("llama")), note("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-5))]
    sizes = {"block_count": 1, "context_length": 8, "embedding_length": width, "attention.head_count": heads, "attention.head_count_kv": keys}
    notes += [note("llama." + key, 4, struct.pack("<I", it)) for key, it in sizes.items()]
    notes += [note("tokenizer.ggml.model", 8, text("gpt2")), note("tokenizer.ggml.pre", 8, text("smollm"))]
    notes += [note("tokenizer.ggml.tokens", 9, texts([chr(97 + it) for it in range(vocabulary)])), note("tokenizer.ggml.merges", 9, texts([]))]
    head, kv = width // heads, width // heads * keys
    shapes = {"attn_q": (width, width), "attn_k": (kv, width), "attn_v": (kv, width), "attn_output": (width, width)}
    shapes |= {"ffn_gate": (width, width), "ffn_up": (width, width), "ffn_down": (width, width)}
    matrices = {f"blk.0.{part}.weight": shape for part, shape in shapes.items()} | {"token_embd.weight": (vocabulary, width)}
    infos, data = b"", b""
    for name, (rows, columns) in matrices.items():
        infos += text(name) + struct.pack("<IQQIQ", 2, columns, rows, 8, len(data))
        data += (struct.pack("<e", 0.01) + bytes(range(32))) * (rows * columns // 32)
        data += b"\0" * (-len(data) % 32)
    for name in ("blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"):
        infos += text(name) + struct.pack("<IQIQ", 1, width, 0, len(data))
        data += struct.pack("<f", 1.0) * width
    return gguf(tensors=len(matrices) + 3, notes=len(notes), note=b"".join(notes), infos=infos, data=data)


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
    "heads-none.ct2": whisper(heads=0),
    "activation-other.ct2": whisper(activation=0),
    "table-empty.ct2": whisper(decoder_embeddings_weight=((2**32 - 1, 0), b"")),
    "kernel-empty.ct2": whisper(encoder_conv1_weight=((2**32 - 1, 0, 3), b"")),
    "layout-later.inkpack": packed_whisper("own:u8s8-panels@9"),
    "panels-short.inkpack": packed_whisper(short=64),
    "panels-other.inkpack": packed_whisper("own:f32-panels@1"),
    "plan-none.inkpack": packed_plan([], None),
    "plan-words.inkpack": packed_plan([], "Dear diary"),
    "plan-deep.inkpack": packed_plan([], "[" * 100_000),
    "plan-many.inkpack": packed_perceptron(functions=["Relu"] * 300),
    "plan-missing.inkpack": packed_perceptron(functions=["Relu"] * 2),
    "plan-short.inkpack": packed_perceptron(short=64),
    "plan-other.inkpack": packed_perceptron((((3, 2), "own:f32-panels@1"),)),
    "plan-unfit.inkpack": packed_perceptron((((3, 2), LAID), ((3, 2), LAID))),
    "plan-huge.inkpack": packed_plan([("layer0", (2**30, 2**30), LAID, b"\0" * 64)], plan({"Perceptron": ["Relu"]}, [port_of("x", "f32", ["b", 3])], [port_of("y", "f32", ["b", 2])])),
    "plan-heads.inkpack": packed_text(heads=0),
    "plan-blocks.inkpack": packed_text(blocks=257),
    "plan-roles.inkpack": packed_text(roles=({"Table": 7}, "Mask")),
    "plan-masks.inkpack": packed_text(roles=({"Table": 0}, "Mask", "Mask")),
    "plan-tables.inkpack": packed_text(tables=2**63),
    "plan-rows.inkpack": packed_text(rows=(2**40, 16)),
    "plan-norm.inkpack": packed_text(norm=(1, 16)),
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

# Whole files of each kind, for the fuzzer to start from.
CORPUS = {
    "onnx/relu.onnx": onnx(),
    "onnx/gemm.onnx": onnx(
        [tensor("w", [2, 2], raw=b"\0" * 16), tensor("h", [2], kind=10, raw=b"\0" * 4)],
        [node("Gemm", ["x", "w"], ["y"], field(5, field(1, "transB") + field(3, 1) + field(20, 2)))],
    ),
    "onnx/branch.onnx": nested(2),
    "safetensors/floats.safetensors": safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
    "gguf/floats.gguf": gguf(notes=1, note=text("k") + struct.pack("<I", 8) + text("v")),
    "gguf/blocks.gguf": gguf(infos=text("w") + struct.pack("<IQIQ", 1, 32, 3, 0)),
    "gguf/llama.gguf": llama(),
    "ctranslate2/floats.ct2": ct2(aliases=struct.pack("<I", 1) + ct2_text("a") + ct2_text("w")),
    "ctranslate2/whisper.ct2": whisper(),
    "packed/plain.inkpack": packed([("w", (2,), "f32", b"\0" * 8), ("b", (1, 32), "q8_0", b"\0" * 34)], {"k": {"int": 3}}),
    "packed/whisper.inkpack": packed_whisper(),
    "packed/perceptron.inkpack": packed_perceptron(),
    "packed/text.inkpack": packed_text(),
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
