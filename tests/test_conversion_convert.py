"""`convert`: balanced thresholds and QCFS by hand-worked numbers, and a model that is left as it was."""

from __future__ import annotations

import itertools
import random
import sys

import numpy as np
import pytest
import torch
from spikeparity.conversion import ConversionError, QCFSActivation, calibration, convert, qcfs, replace_relu_with_qcfs
from spikeparity.conversion.calibration import ROWS
from spikeparity.rejection import RejectedError
from torch import nn

torch.set_num_threads(1)  # two beside a busy neighbour are many times slower


def model_of(*widths, seed=0, dtype=torch.float64):
    """Linear layers with ReLU between, weights and biases from a seed."""
    torch.manual_seed(seed)
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1]).to(dtype)


def data(samples, inputs, seed=1):
    return np.random.default_rng(seed).random((samples, inputs))


def numpy_of(tensor):
    return tensor.detach().double().numpy()


def test_weights_biases_and_scales_are_those_of_the_spec():
    model, x = model_of(4, 7, 6, 3), data(300, 4)
    network = convert(model, x, T=32, percentile=97.3)
    first, second = (numpy_of(model[:stop](torch.tensor(x))) for stop in (2, 4))
    # zeros count, in float64, linearly between the two nearest
    scales = [1.0, np.percentile(first, 97.3), np.percentile(second, 97.3), 1.0]
    assert (first == 0.0).any()
    for index, linear in enumerate(model[::2]):
        weights = (numpy_of(linear.weight) * scales[index]) / scales[index + 1]
        assert network.weights[index].tobytes() == weights.tobytes()
        # scaled, and neither left as it was nor divided by T
        assert network.biases[index].tobytes() == (numpy_of(linear.bias) / scales[index + 1]).tobytes()
    assert network.thresholds == (1.0, 1.0, 1.0) and network.initial_potential == (0.0, 0.0, 0.0)
    assert (network.T, network.readout, network.reset) == (32, "membrane", "subtract")


def test_without_calibration_or_activity_scales_are_one():
    model = model_of(4, 5, 2)
    assert convert(model).weights[0].tobytes() == numpy_of(model[0].weight).tobytes()
    with torch.no_grad():
        model[0].bias.fill_(-100.0)
    network = convert(model, data(10, 4), readout="spikes")
    assert network.weights[0].tobytes() == numpy_of(model[0].weight).tobytes()


def test_spiking_readout_is_scaled_by_the_positive_logits():
    model, x = model_of(4, 5, 3), data(100, 4)
    logits = numpy_of(model(torch.tensor(x)))
    positive = logits[logits > 0]
    assert 0 < len(positive) < logits.size
    scale = np.percentile(positive, 90)
    network = convert(model, x, percentile=90, readout="spikes")
    assert network.biases[1].tobytes() == (numpy_of(model[2].bias) / scale).tobytes()


def test_a_last_activation_counts_its_zeros_and_needs_spikes():
    model, x = nn.Sequential(*model_of(4, 5, 3), nn.ReLU()), data(100, 4)
    scale = np.percentile(numpy_of(model(torch.tensor(x))), 90)
    network = convert(model, x, percentile=90, readout="spikes")
    assert network.biases[1].tobytes() == (numpy_of(model[2].bias) / scale).tobytes()
    with pytest.raises(ConversionError, match="readout='spikes'") as caught:
        convert(model, x)
    assert caught.value.module == "2"


def test_scales_belong_to_the_layers_that_forward_calls():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first, self.relu = nn.Linear(5, 3), nn.Linear(5, 5), nn.ReLU(inplace=True)

        def forward(self, x):
            return self.last(self.relu(self.first(x)))

    model, x = Backwards().double(), data(50, 5)
    hidden = numpy_of(model.first(torch.tensor(x)).relu())
    network = convert(model, x)
    assert network.biases[0].tobytes() == (numpy_of(model.first.bias) / np.percentile(hidden, 99.9)).tobytes()


def test_batch_norm_is_measured_after_it_is_folded():
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 2)).double()
    x = data(200, 4)
    for _ in range(10):
        model(torch.tensor(x))
    network = convert(model.train(), x)  # in train mode it is calibrated in eval mode all the same
    model.eval()
    hidden = numpy_of(model[:3](torch.tensor(x)))
    np.testing.assert_allclose(network.weights[1] / numpy_of(model[4].weight), np.percentile(hidden, 99.9), rtol=1e-12)
    rates = network.counts(x[:20], encoding="constant", T=4000)[0] / 4000 * np.percentile(hidden, 99.9)
    np.testing.assert_allclose(rates, np.minimum(hidden[:20], np.percentile(hidden, 99.9)), atol=2e-3)


def state_of(model):
    return {
        "tensors": {name: value.clone() for name, value in model.state_dict().items()},
        "pointers": [parameter.data_ptr() for parameter in model.parameters()],
        "gradients": [parameter.requires_grad for parameter in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "random": (torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())),
    }


def assert_same(before, after):
    for name, tensor in before.pop("tensors").items():
        assert torch.equal(tensor, after["tensors"][name])
    after.pop("tensors")
    assert before == after


class Draws(nn.Module):
    """Draws random numbers whenever it is called, and where it is iterated."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(
            nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(5, 2)
        )

    def forward(self, x):
        torch.rand(1), random.random(), np.random.random()
        return self.inner(x)


def shuffled():
    """Batches as a data loader gives them: with labels, in an order that global generators draw."""
    torch.rand(3), random.random(), np.random.random()
    yield torch.tensor(data(10, 4)), torch.zeros(10)
    yield [torch.tensor(data(5, 4, 2)), torch.zeros(5)]


def test_the_model_and_the_random_generators_are_left_as_they_were():
    model = Draws().double().train()
    model.inner[3].eval()  # modes of its own
    model.inner[0].weight.requires_grad_(False)
    before = state_of(model)
    convert(model, shuffled())
    assert_same(before, state_of(model))


def test_they_are_also_after_an_error():
    model = Draws().double().train()
    before = state_of(model)
    with pytest.raises(ConversionError, match=r"fails on calibration data.*inner.0.*3x9 and 4x5"):
        convert(model, data(3, 9), input_shape=(4,))
    assert_same(before, state_of(model))


def test_the_result_shares_no_memory_with_the_model():
    model = model_of(4, 5, 2)
    network = convert(model)
    before = [array.copy() for array in (*network.weights, *network.biases)]
    arrays = [numpy_of(parameter) for parameter in model.parameters()]
    assert not any(np.shares_memory(a, b) for a in (*network.weights, *network.biases) for b in arrays)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert all(np.array_equal(a, b) for a, b in zip(before, (*network.weights, *network.biases), strict=True))
    with pytest.raises(ValueError, match="read-only"):
        network.weights[0][0, 0] = 1.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_types_of_models(dtype):
    model = model_of(4, 5, 2, dtype=dtype)
    network = convert(model, data(20, 4))
    hidden = numpy_of(model[:2](torch.tensor(data(20, 4)).to(dtype)))
    assert network.biases[0].tobytes() == (numpy_of(model[0].bias) / np.percentile(hidden, 99.9)).tobytes()


def test_calibration_in_batches_is_calibration_at_once():
    model, x = model_of(4, 5, 3), data(2 * ROWS + 3, 4)
    whole = convert(model, x)
    for batches in (torch.tensor(x), [x[:7], torch.tensor(x[7:])], ((part, None) for part in np.split(x, 5))):
        other = convert(model, batches)
        assert [a.tobytes() for a in other.weights] == [a.tobytes() for a in whole.weights]


def test_samples_go_through_the_model_a_few_at_a_time(monkeypatch):
    rows = []

    class Noting(calibration.Recorder):
        def run(self, part):
            rows.append(len(part))
            return super().run(part)

    monkeypatch.setattr(calibration, "Recorder", Noting)
    convert(model_of(4, 5, 3), data(2 * ROWS + 3, 4))
    assert rows == [ROWS, ROWS, 3]


def test_percentiles_are_numpys(monkeypatch):
    def refuse(*arguments, **options):
        raise RuntimeError("quantile() input tensor is too large")  # as PyTorch's own does beyond 2^24 values

    monkeypatch.setattr(torch, "quantile", refuse)
    monkeypatch.setattr(torch.Tensor, "quantile", refuse)
    assert convert(model_of(4, 5, 3), data(20, 4)).weights


BAD_DATA = [
    (3, "expected an array, a tensor or an iterable"),
    ([], "at least one sample"),
    (np.zeros((0, 4)), "at least one sample"),
    (np.zeros(4), r"shape \(samples, …\), got shape \(4,\)"),
    ([1.0, 2.0], "expected batches as arrays or tensors, got float"),
    ([[0.0] * 4], "expected batches as arrays or tensors, got float"),
    (np.full((2, 4), np.nan), "finite"),
    (np.zeros((2, 4), dtype=complex), "real"),
    (np.zeros((2, 5)), "takes 4 features and is given 5"),
    ([np.zeros((2, 4)), np.zeros((2, 5))], "fails on calibration data.*2x5 and 4x5"),
]


@pytest.mark.parametrize(("calibration", "says"), BAD_DATA)
def test_data_that_cannot_be_used(calibration, says):
    with pytest.raises(ConversionError, match=says):
        convert(model_of(4, 5, 2), calibration)


def test_activations_that_overflow_are_named():
    model = model_of(4, 5, 2, dtype=torch.float32)
    model[0].weight.data.fill_(1.0)
    with pytest.raises(ConversionError, match=r"'0': its activations.*not finite") as caught:
        convert(model, np.full((2, 4), 3e38))
    assert caught.value.module == "0"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"percentile": 0}, "percentile"),
        ({"percentile": 100.1}, "percentile"),
        ({"percentile": float("nan")}, "percentile"),
        ({"percentile": "99"}, "percentile"),
        ({"readout": "rate"}, "readout"),
        ({"T": 0}, r"simulate\.steps"),
        ({"T": 16.0}, r"simulate\.steps"),
        ({"initial_potential": float("inf")}, r"network\.initial-potential"),
    ],
)
def test_options_that_cannot_be_used(options, says):
    with pytest.raises((ConversionError, RejectedError), match=says):
        convert(model_of(4, 5, 2), **options)


def test_what_is_no_model():
    with pytest.raises(ConversionError, match=r"expected a torch\.nn\.Module, got function"):
        convert(lambda x: x)


def test_qcfs_fires_at_theta_starts_at_half_and_scales_the_next_weights():
    model = replace_relu_with_qcfs(model_of(4, 5, 6, 3), T=8, theta=0.7)
    model[3].theta.data.fill_(1.3)
    network = convert(model, T=8)
    assert network.thresholds == (0.7, 1.3, 1.0) and network.initial_potential == (0.35, 0.65, 0.0)
    for linear, theta, weights, bias in zip(model[::2], (1.0, 0.7, 1.3), network.weights, network.biases, strict=True):
        assert weights.tobytes() == (numpy_of(linear.weight) * theta).tobytes()
        assert bias.tobytes() == numpy_of(linear.bias).tobytes()


def test_qcfs_beside_relu():
    model, x = nn.Sequential(*model_of(4, 5, 6, 3)), data(100, 4)
    model[1] = QCFSActivation(4, 0.75)
    hidden = numpy_of(model[:4](torch.tensor(x)))
    scale = np.percentile(hidden, 99.9)
    network = convert(model, x)
    assert network.thresholds == (0.75, 1.0, 1.0) and network.initial_potential == (0.375, 0.0, 0.0)
    assert network.weights[1].tobytes() == ((numpy_of(model[2].weight) * 0.75) / scale).tobytes()
    assert network.weights[2].tobytes() == (numpy_of(model[4].weight) * scale).tobytes()


def test_a_last_qcfs_spikes_at_its_theta():
    model = nn.Sequential(nn.Linear(4, 3), QCFSActivation(4, 0.75)).double()
    network = convert(model, data(9, 4), readout="spikes")
    assert network.thresholds == (0.75,) and network.initial_potential == (0.375,)


def test_counts_of_the_first_layer_are_those_of_qcfs():
    model, x = replace_relu_with_qcfs(model_of(6, 40, 3), T=8, theta=0.5), data(50, 6)
    network = convert(model, T=8)
    due = qcfs(numpy_of(model[0](torch.tensor(x))).ravel(), 0.5, 8).reshape(50, 40) * 8 / 0.5
    counts = network.counts(x, encoding="constant")[0]
    assert np.mean(counts == due) > 0.99  # rounding at a step of the quantization may go either way


def test_a_converted_network_agrees_with_its_model():
    model, x = model_of(12, 40, 30, 5, seed=3), data(400, 12)
    logits = numpy_of(model(torch.tensor(x[:100])))
    network = convert(model, x, percentile=100.0, T=2000)
    np.testing.assert_allclose(network.run(x[:100], encoding="constant") / 2000, logits, atol=0.01)
    spiking = convert(model, x, percentile=100.0, T=2000, readout="spikes", initial_potential=0.5)
    sure = np.sort(logits)[:, -1] - np.sort(logits)[:, -2] > 0.02
    best = spiking.classify(x[:100], encoding="constant")
    assert sure.sum() > 50 and (best[sure] == logits.argmax(1)[sure]).all()
    assert np.mean(network.classify(x[:100], seed=5) == logits.argmax(1)) > 0.8


def test_without_torch(tmp_path):
    """The package imports, and converted networks run, where PyTorch cannot be imported; what needs it says so."""
    import subprocess

    script = """
import sys
sys.modules["torch"] = None
import numpy as np, spikeparity
from spikeparity.conversion import ConvertedSNN
network = ConvertedSNN([np.eye(2)], [None], [1.0], T=3)
network.save(sys.argv[1])
print(ConvertedSNN.load(sys.argv[1]).run([1.0, 0.0]).tolist())
for name in ("convert", "QCFSActivation", "replace_relu_with_qcfs"):
    try:
        getattr(spikeparity, name)
    except ImportError as error:
        print(error)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "model")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0] == "[3.0, 0.0]"
    assert len(lines) == 4 and all("pip install 'spikeparity[torch]'" in line for line in lines[1:])
