"""What Sluice is compared with: each engine turns texts into normalised vectors as fast as its library lets it.

An engine has `layouts` (ways to divide the threads; the harness measures which is best), `setup` (a line for the table)
and encode(texts, layout, batch) -> float32 [texts, dimensions]. It tokenizes itself and sorts texts by length.
"""
import concurrent.futures
import fcntl
import json
import pathlib
import tempfile

import numpy
import tokenizers


class Model:
    """The model directory, and where exports of it for other libraries are kept."""

    def __init__(self, directory, exports, threads):
        self.directory, self.exports, self.threads = pathlib.Path(directory), pathlib.Path(exports), threads
        self.exports.mkdir(parents=True, exist_ok=True)
        settings = json.loads((self.directory / "sentence_bert_config.json").read_text())
        self.max_tokens = settings["max_seq_length"]

    def tokenizer(self):
        tokenizer = tokenizers.Tokenizer.from_file(str(self.directory / "tokenizer.json"))
        tokenizer.enable_truncation(self.max_tokens)
        tokenizer.no_padding()
        return tokenizer

    def export(self, name, make):
        """The path of an export, made by make(path) if it is not there yet; one process at a time makes any."""
        path = self.exports / name
        with open(self.exports / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                with tempfile.TemporaryDirectory(dir=self.exports) as new:
                    make(pathlib.Path(new, name))
                    for part in sorted(pathlib.Path(new).iterdir(), key=lambda part: part.name == name):
                        part.rename(self.exports / part.name)  # some are two files: the one asked for last
        return path


def pad(sequences):
    """Ids and mask, int64 [sequences, longest]."""
    longest = max(map(len, sequences))
    ids = numpy.zeros((len(sequences), longest), numpy.int64)
    mask = numpy.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, :len(sequence)] = sequence
        mask[row, :len(sequence)] = 1
    return ids, mask


def pool(states, mask):
    """The mean over a text's tokens, normalised."""
    weights = mask[:, :, None].astype(states.dtype)
    mean = (states * weights).sum(1) / weights.sum(1)
    return mean / numpy.linalg.norm(mean, axis=1, keepdims=True)


class PaddedEngine:
    """Sorts by length, pads batch by batch, and runs the batches on one or several replicas of the library's model.

    replicas(count, threads) of a subclass gives that many callables (ids, mask) -> vectors.
    """

    def __init__(self, model, setup):
        self.model, self.setup = model, setup
        self.tokenizer = model.tokenizer()
        counts = sorted({1, model.threads})
        self.layouts = [f"{count} x {model.threads // count} threads" for count in counts]
        self.teams = {layout: self.replicas(count, model.threads // count)
                      for layout, count in zip(self.layouts, counts)}

    def encode(self, texts, layout, batch):
        sequences = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        longest_first = sorted(range(len(texts)), key=lambda i: -len(sequences[i]))
        parts = [longest_first[i:i + batch] for i in range(0, len(texts), batch)]
        free = list(self.teams[layout])
        rows = [None] * len(texts)

        def run(part):
            replica = free.pop()
            try:
                for i, vector in zip(part, replica(*pad([sequences[i] for i in part]))):
                    rows[i] = vector
            finally:
                free.append(replica)

        with concurrent.futures.ThreadPoolExecutor(len(free)) as threads:
            list(threads.map(run, parts))
        return numpy.stack(rows).astype(numpy.float32)


def export_onnx(model, path):
    """The encoder with pooling and normalisation, float32."""
    import torch
    from transformers import BertModel

    class Embedding(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = BertModel.from_pretrained(model.directory, dtype=torch.float32).eval()

        def forward(self, input_ids, attention_mask):
            states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(states.dtype)
            return torch.nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=1)

    example = torch.ones(2, 8, dtype=torch.int64)
    sizes = {0: "texts", 1: "tokens"}
    torch.onnx.export(Embedding().eval(), (example, example), str(path), dynamo=False, opset_version=17,
                      input_names=["input_ids", "attention_mask"], output_names=["embedding"],
                      dynamic_axes={"input_ids": sizes, "attention_mask": sizes, "embedding": {0: "texts"}})


class OnnxRuntime(PaddedEngine):
    def __init__(self, model, precision):
        import onnxruntime
        self.library = onnxruntime
        self.path = model.export("model.onnx", lambda path: export_onnx(model, path))
        if precision == "int8":
            self.path = model.export("model.int8.onnx", self.quantise)
        super().__init__(model, f"ONNX Runtime {onnxruntime.__version__}"
                         + (", dynamic int8, per channel" if precision == "int8" else ""))

    def quantise(self, path):
        from onnxruntime.quantization import QuantType, quantize_dynamic
        quantize_dynamic(str(self.path), str(path), per_channel=True, weight_type=QuantType.QInt8)

    def replicas(self, count, threads):
        options = self.library.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0" if count > 1 else "1")

        def replica():
            session = self.library.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
            return lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]

        return [replica() for _ in range(count)]


class OpenVino(PaddedEngine):
    """By streams: one stream of all threads answers soonest, a stream a thread has the greatest throughput."""

    def __init__(self, model, precision):
        import openvino
        self.core = openvino.Core()
        onnx = model.export("model.onnx", lambda path: export_onnx(model, path))
        self.path = onnx if precision != "int8" else model.export(
            "openvino.int8.xml", lambda path: self.quantise(model, onnx, path))
        self.hints = {"bf16": {"INFERENCE_PRECISION_HINT": "bf16"}, "fp32": {"INFERENCE_PRECISION_HINT": "f32"},
                      "int8": {}}[precision]
        super().__init__(model, f"OpenVINO {openvino.__version__.split('-')[0]}"
                         + (", nncf, calibrated on 300 texts" if precision == "int8" else ""))

    def quantise(self, model, onnx, path):
        import nncf
        import openvino
        tokenizer = model.tokenizer()
        lines = (pathlib.Path(__file__).resolve().parents[3] / "examples/postings.jsonl").open(encoding="utf-8")
        texts = [json.loads(line)["description"] for line in lines][-300:]  # the comparison takes the first ones

        def inputs(text):
            ids, mask = pad([tokenizer.encode(text).ids])
            return {"input_ids": ids, "attention_mask": mask}

        quantised = nncf.quantize(self.core.read_model(onnx), nncf.Dataset(texts, inputs), subset_size=300,
                                  model_type=nncf.ModelType.TRANSFORMER)
        openvino.save_model(quantised, path, compress_to_fp16=False)

    def replicas(self, count, threads):
        compiled = self.core.compile_model(self.path, "CPU", {
            **self.hints, "NUM_STREAMS": count, "INFERENCE_NUM_THREADS": count * threads,
            "PERFORMANCE_HINT": "LATENCY" if count == 1 else "THROUGHPUT"})

        def replica():
            request = compiled.create_infer_request()
            return lambda ids, mask: request.infer({"input_ids": ids, "attention_mask": mask})[0].copy()

        return [replica() for _ in range(count)]


class CTranslate2(PaddedEngine):
    def __init__(self, model, precision):
        import ctranslate2
        self.library, self.precision = ctranslate2, {"fp32": "float32", "bf16": "bfloat16"}.get(precision, precision)
        self.path = model.export("ctranslate2", lambda path: ctranslate2.converters.TransformersConverter(
            str(model.directory)).convert(str(path)))
        super().__init__(model, f"CTranslate2 {ctranslate2.__version__}")

    def replicas(self, count, threads):
        encoder = self.library.Encoder(str(self.path), device="cpu", compute_type=self.precision,
                                       inter_threads=count, intra_threads=threads)
        used = encoder.compute_type.split("_")[0]
        if used != self.precision:
            raise RuntimeError(f"CTranslate2 has no {self.precision} on this backend, it takes {used}")

        def replica(ids, mask):
            lengths = mask.sum(1).astype(numpy.int32)
            views = [self.library.StorageView.from_array(part) for part in (ids.astype(numpy.int32), lengths)]
            return pool(numpy.array(encoder.forward_batch(*views).last_hidden_state), mask)

        return [replica] * count


class SentenceTransformers:
    """As its users call it; it sorts by length by itself."""

    def __init__(self, model, precision, compiled=False):
        import sentence_transformers
        import torch
        torch.set_num_threads(model.threads)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
        self.library = sentence_transformers.SentenceTransformer(str(model.directory), device=self.device,
                                                                 model_kwargs={"dtype": dtype})
        if compiled:
            import torch._inductor.config
            torch._inductor.config.freezing = True
            inner = self.library[0].auto_model
            inner.forward = torch.compile(inner.forward, dynamic=True)
        self.layouts = [f"1 x {model.threads} threads"]
        self.setup = (f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}, "
                      f"{self.device}{', compiled, frozen' if compiled else ''}")

    def encode(self, texts, layout, batch):
        if layout == "one by one":  # of scenarios.py, never offered
            return numpy.stack([self.library.encode(text, normalize_embeddings=True, show_progress_bar=False)
                                for text in texts]).astype(numpy.float32)
        vectors = self.library.encode(texts, batch_size=batch, normalize_embeddings=True, show_progress_bar=False,
                                      convert_to_numpy=True)
        return vectors.astype(numpy.float32)


ENGINES = {
    "openvino-bf16": lambda model: OpenVino(model, "bf16"),
    "openvino-fp32": lambda model: OpenVino(model, "fp32"),
    "openvino-int8": lambda model: OpenVino(model, "int8"),
    "ctranslate2-fp32": lambda model: CTranslate2(model, "fp32"),
    "ctranslate2-bf16": lambda model: CTranslate2(model, "bf16"),
    "ctranslate2-int8": lambda model: CTranslate2(model, "int8"),
    "onnxruntime-fp32": lambda model: OnnxRuntime(model, "fp32"),
    "onnxruntime-int8": lambda model: OnnxRuntime(model, "int8"),
    "sentence-transformers-fp32": lambda model: SentenceTransformers(model, "fp32"),
    "sentence-transformers-bf16": lambda model: SentenceTransformers(model, "bf16"),
    "torch-compile-fp32": lambda model: SentenceTransformers(model, "fp32", compiled=True),
    "torch-compile-bf16": lambda model: SentenceTransformers(model, "bf16", compiled=True),
}
