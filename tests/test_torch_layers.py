"""Layers of spiking neurons: bits of the reference, gradients by finite differences, states."""

from __future__ import annotations

import importlib
import itertools
import math
import sys

import numpy as np
import pytest
import torch
from spikeparity.neurons import Constant, Layer, Network, Neuron, simulate
from spikeparity.torch.dynamics import Firing, advance, filtered, integrate
from spikeparity.torch.layers import IF, LI, LIF, ExpSyn
from spikeparity.torch.sequential import SequentialConv2d, SequentialLinear, in_profile_order
from spikeparity.torch.squeeze import IFSqueeze, LIFSqueeze, LISqueeze
from spikeparity.torch.states import detach_states, reset_states, run_with_states, zero_grad
from spikeparity.torch.surrogate import ArcTan, FastSigmoid, SingleExponential
from torch import nn

torch.set_num_threads(1)  # two beside a busy neighbour are many times slower

DTYPES = {torch.float64: "sequential-f64", torch.float32: "sequential-f32"}
VARIANTS = list(itertools.product(["if", "lif"], ["subtract", "zero"]))


def layer_of(neuron: Neuron, **options):
    """The layer of a neuron of the reference."""
    options = {"threshold": neuron.threshold, "reset": neuron.reset} | options
    options["initial_potential"] = neuron.initial_potential
    return IF(**options) if neuron.decay is None else LIF(decay=neuron.decay, **options)


def random_neuron(rng, model: str, reset: str) -> Neuron:
    decay = rng.uniform(0, 1) if model == "lif" else None
    return Neuron(model, rng.uniform(0.3, 2.0), reset, rng.normal(), decay)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("model", "reset"), VARIANTS)
def test_given_the_currents_all_bits_are_those_of_simulate(model, reset, dtype):
    rng = np.random.default_rng(3)
    for trial in range(5):
        # One input per neuron and the identity as weights: the values are the currents.
        neuron = random_neuron(rng, model, reset)
        samples, width, steps = rng.integers(1, 5), int(rng.integers(1, 40)), int(rng.integers(1, 30))
        values = rng.normal(0.3, 1.0, size=(samples, width))
        network = Network([Layer(np.eye(width), None, neuron)])
        due = simulate(network, steps, Constant(values), ["spikes", "potential"], DTYPES[dtype])
        currents = torch.tensor(values).to(dtype)[:, None].expand(-1, steps, -1).contiguous()
        layer = layer_of(neuron)
        spikes = layer(currents)
        assert spikes.dtype == dtype and due.spikes[0].any(), trial
        assert np.array_equal(spikes.numpy() == 1.0, due.spikes[0]), trial
        assert layer.state.numpy().tobytes() == due.potential[0].tobytes(), trial
        layer.reset_states()
        steps_ = torch.stack([layer.step(current) for current in currents.unbind(1)], 1)
        assert torch.equal(steps_, spikes) and layer.state.numpy().tobytes() == due.potential[0].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_networks_in_the_order_of_the_profile_are_bit_equal(dtype):
    rng = np.random.default_rng(5)
    for readout, (model, reset) in itertools.product(["spikes", "membrane"], VARIANTS):
        widths = [int(width) for width in rng.integers(1, 30, size=4)]
        layers, modules = [], []
        for inputs, outputs in itertools.pairwise(widths):
            neuron = random_neuron(rng, model, reset)
            bias = rng.normal(size=outputs) if rng.random() < 0.7 else None
            weights = rng.normal(0.3, 1, size=(outputs, inputs))
            layers.append(Layer(weights, bias, neuron))
            linear = SequentialLinear(inputs, outputs, bias=bias is not None, dtype=dtype)
            state = {"weight": weights} if bias is None else {"weight": weights, "bias": bias}
            linear.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
            modules += [linear, layer_of(neuron)]
        if readout == "membrane":
            modules[-1] = LI(decay=neuron.decay, initial_potential=neuron.initial_potential)
        values = rng.normal(size=(3, widths[0]))
        due = simulate(Network(layers, readout), 12, Constant(values), ["spikes"], DTYPES[dtype])
        model_ = nn.Sequential(*modules)
        out = model_(torch.tensor(values).to(dtype)[:, None].expand(-1, 12, -1))
        got = out.sum(1).long() if readout == "spikes" else out[:, -1]
        assert got.detach().numpy().tobytes() == due.readout.tobytes()
        for layer, potential in zip(modules[1::2], due.potential, strict=True):
            assert layer.state.detach().numpy().tobytes() == potential.tobytes()


def test_ordered_convolution_is_that_of_scalar_loops_and_has_the_gradients_of_pytorch():
    torch.manual_seed(0)
    conv = SequentialConv2d(4, 6, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    plain = nn.Conv2d(4, 6, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)
    plain.load_state_dict(conv.state_dict())
    x = torch.randn(2, 4, 5, 6, requires_grad=True)
    y = conv(x)
    assert y.shape == plain(x).shape
    s, w, b = x.detach().numpy(), conv.weight.detach().numpy(), conv.bias.detach().numpy()
    for n, o, row, column in np.ndindex(*y.shape):
        total = np.float32(0.0)
        for c, i, j in np.ndindex(2, 2, 3):
            at = (row * 2 + i - 1, column + j * 2 - 2)
            if 0 <= at[0] < 5 and 0 <= at[1] < 6:
                total = np.float32(total + np.float32(w[o, c, i, j] * s[n, (o // 3) * 2 + c, at[0], at[1]]))
        assert y[n, o, row, column].item() == np.float32(total + b[o])
    y.square().sum().backward()
    mine = [x.grad.clone(), conv.weight.grad, conv.bias.grad]
    x.grad = None
    plain(x).square().sum().backward()
    for one, other in zip(mine, [x.grad, plain.weight.grad, plain.bias.grad], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="padding"):
        SequentialConv2d(1, 1, 3, padding="same")(x[:, :1])


def test_without_pytorch_the_import_says_how_to_get_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "spikeparity.torch")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'spikeparity\[torch\]'"):
        importlib.import_module("spikeparity.torch")


def test_a_module_is_copied_in_the_order_of_the_profile():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.Flatten(), nn.Linear(8, 3)), nn.Identity())
    twin, x = in_profile_order(module), torch.rand(5, 1, 4, 4)
    assert (type(twin[0]), type(twin[1][1])) == (SequentialConv2d, SequentialLinear)
    assert (type(module[0]), type(module[1][1])) == (nn.Conv2d, nn.Linear)
    torch.testing.assert_close(twin(x), module(x))
    twin[0].weight.data.zero_()
    assert module[0].weight.any()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize(("model", "reset"), VARIANTS)
def test_gradients_of_all_steps_at_once_are_those_of_the_plain_steps(model, reset, detach, axis):
    torch.manual_seed(1)
    currents, v = torch.randn(5, 5, 7, dtype=torch.float64), torch.randn(5, 7, dtype=torch.float64)
    weight, last = torch.randn_like(currents), torch.randn_like(v)
    decay = torch.tensor(0.8, dtype=torch.float64) if model == "lif" else None
    threshold = torch.tensor(0.7, dtype=torch.float64)
    firing = Firing(SingleExponential(), reset, detach)
    leaves = [tensor.requires_grad_() for tensor in (currents, v, threshold, decay) if tensor is not None]
    spikes, after = integrate(currents, v, threshold, decay, firing, axis)
    mine = torch.autograd.grad((spikes * weight).sum() + (after * last).sum(), leaves)
    alone = torch.autograd.grad((integrate(currents, v, threshold, decay, firing, axis)[0] * weight).sum(), leaves)
    steps, state = [], v
    for current in currents.unbind(axis):
        fired, state = advance(current, state, threshold, decay, firing)
        steps.append(fired)
    plain = torch.stack(steps, axis)
    assert torch.equal(plain, spikes) and torch.equal(state, after) and 10 < spikes.sum() < 100
    for got, due in zip(mine, torch.autograd.grad((plain * weight).sum() + (state * last).sum(), leaves), strict=True):
        torch.testing.assert_close(got, due, rtol=1e-12, atol=1e-12)
    assert not torch.equal(mine[0], alone[0])


@pytest.mark.parametrize(("model", "reset"), VARIANTS)
def test_gradients_are_those_of_finite_differences_on_the_smooth_form(model, reset):
    torch.manual_seed(2)
    currents, v = torch.randn(2, 4, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    decay = torch.tensor(0.8, dtype=torch.float64) if model == "lif" else None
    firing = Firing(ArcTan(), reset, smooth=True)
    threshold = torch.tensor(0.7, dtype=torch.float64)
    leaves = [tensor.requires_grad_() for tensor in (currents, v, threshold, decay) if tensor is not None]

    def spiking(currents, v, threshold, decay=None):
        return integrate(currents, v, threshold, decay, firing, 1)

    def leaking(currents, v, threshold, decay=None):
        return filtered(currents, v, decay, 1)

    assert torch.autograd.gradcheck(spiking, leaves)
    assert torch.autograd.gradcheck(leaking, leaves)


def test_second_derivatives_are_refused():
    x = torch.rand(2, 6, 3, requires_grad=True)
    for layer in (LIF(5.0), LI(5.0), SequentialLinear(3, 2)):
        (gradient,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="once_differentiable"):
            gradient.sum().backward()


def test_the_smooth_form_differs_from_the_spikes_and_is_that_of_single_steps():
    layer = LIF(5.0)
    x = torch.rand(2, 6, 3)
    spikes = layer.run(x)[0]
    layer.firing = Firing(FastSigmoid(), "subtract", smooth=True)
    smooth, state = layer.run(x)
    assert not torch.equal(spikes, smooth) and smooth.unique().numel() > 2
    one, v = [], None
    for current in x.unbind(1):
        fired, v = layer.run_step(current, v)
        one.append(fired)
    torch.testing.assert_close(torch.stack(one, 1), smooth)
    torch.testing.assert_close(v, state)


def test_time_can_come_first():
    x = torch.rand(4, 9, 5)
    for make in (
        lambda **o: LIF(4.0, **o),
        lambda **o: LI(4.0, **o),
        lambda **o: ExpSyn(4.0, **o),
        lambda **o: IF(**o),
    ):
        batch, time = make(), make(time_first=True)
        assert torch.equal(batch(x).transpose(0, 1), time(x.transpose(0, 1)))
        assert torch.equal(batch.state, time.state) and batch.state.shape == (4, 5)


@pytest.mark.parametrize("make", [lambda: IF(), lambda: LIF(4.0), lambda: LI(4.0), lambda: LI(), lambda: ExpSyn(4.0)])
def test_state_is_kept_between_calls_and_given_explicitly(make):
    x = torch.rand(3, 8, 5)
    layer = make()
    whole, state = layer.run(x)
    assert layer.state is None
    assert torch.equal(torch.cat([layer(x[:, :3]), layer(x[:, 3:])], 1), whole) and torch.equal(layer.state, state)
    first, between = make().run(x[:, :3])
    second, end = make().run(x[:, 3:], between)
    assert torch.equal(torch.cat([first, second], 1), whole) and torch.equal(end, state)
    assert not torch.equal(layer(x), whole)
    layer.reset_states()
    assert torch.equal(layer(x), whole)
    assert "state" not in layer.state_dict()


def test_reset_can_draw_the_potentials():
    layer, x = LIF(4.0, threshold=0.5), torch.zeros(4, 1, 500)
    layer.reset_states(randomize=True, generator=torch.Generator().manual_seed(1))
    layer(x)
    drawn = layer.state / math.exp(-1 / 4)
    assert 0.0 <= drawn.min() < 0.02 and 0.48 < drawn.max() <= 0.5 and abs(drawn.mean() - 0.25) < 0.01
    model = nn.Sequential(LIF(4.0, threshold=0.5))
    reset_states(model, randomize=True, generator=torch.Generator().manual_seed(1))
    model(x)
    assert torch.equal(model[0].state, layer.state)
    reset_states(model)
    model(x)
    assert not model[0].state.any()


def test_detach_ends_gradients_and_zero_grad_forgets_them():
    model = nn.Sequential(nn.Linear(3, 4), LIF(4.0), nn.Linear(4, 2), LI(4.0))
    x = torch.rand(2, 5, 3)
    model(x).sum().backward()
    assert model[0].weight.grad.any() and model[1].state.grad_fn is not None
    with pytest.raises(RuntimeError, match="second time"):  # the graph of the first call, which is gone
        model(x).sum().backward()
    zero_grad(model)
    assert model[0].weight.grad is None and model[1].state.grad_fn is None
    model(x).sum().backward()
    detach_states(model)
    kept = model[0].weight.grad.clone()
    model(x).sum().backward()
    assert not torch.equal(model[0].weight.grad, kept)
    model[1].zero_grad()
    assert model[1].state.grad_fn is None


def test_threshold_and_decay_are_learned_and_stay_within_their_bounds():
    layer = LIF(decay=0.9, threshold=0.2, learn_threshold=True, learn_decay=True)
    assert {name for name, _ in layer.named_parameters()} == {"threshold", "decay"}
    assert not list(LIF(decay=0.9).parameters())
    x = torch.linspace(0.1, 0.5, 60).reshape(2, 10, 3)
    for threshold, decay in ((0.2, 0.9), (-3.0, 1.7), (0.5, -0.1)):
        with torch.no_grad():
            layer.threshold.fill_(threshold)
            layer.decay.fill_(decay)
        assert layer.threshold_in(torch.float32).item() == np.float32(max(threshold, 2.0**-10))
        assert layer.decay_in(torch.float32).item() == np.float32(min(max(decay, 0.0), 1.0))
        spikes, _ = layer.run(x)
        due = LIF(decay=min(max(decay, 0.0), 1.0), threshold=max(threshold, 2.0**-10)).run(x)[0]
        assert torch.equal(spikes, due)
        # From outside of the bounds too there is a gradient that leads back.
        on_threshold, on_decay = torch.autograd.grad(spikes.sum(), [layer.threshold, layer.decay])
        assert on_threshold < 0.0 < on_decay


def test_tau_in_steps_or_seconds():
    assert LIF(20.0).decay.item() == LIF(20e-3, dt=1e-3).decay.item() == math.exp(-1 / 20)
    assert ExpSyn(5.0).decay.item() == math.exp(-1 / 5)
    assert LI(10e-3, dt=2e-3).decay.item() == math.exp(-1 / 5)
    assert LI().decay is None


def test_state_dicts_load_and_save():
    def model(tau, threshold):
        return nn.Sequential(nn.Linear(3, 4), LIF(tau, learn_decay=True, threshold=threshold))

    one, other = model(4.0, 0.1), model(7.0, 1.0)
    x = torch.rand(2, 6, 3)
    assert not torch.equal(one(x), other(x))
    other.load_state_dict(one.state_dict())
    reset_states(one)
    reset_states(other)
    assert torch.equal(one(x), other(x)) and torch.equal(one[1].state, other[1].state)


def test_squeezed_layers_fold_batch_and_time():
    x = torch.rand(3, 8, 2, 4, 4)
    for plain, squeezed, time_first in itertools.product([IF], [IFSqueeze], [False, True]):
        turned = x.transpose(0, 1) if time_first else x
        due = plain(time_first=time_first)(turned).flatten(0, 1)
        for sizes in ({"batch_size": 3}, {"num_timesteps": 8}):
            layer = squeezed(time_first=time_first, **sizes)
            assert torch.equal(layer(turned.flatten(0, 1)), due) and layer.state.shape == (3, 2, 4, 4)
    assert torch.equal(LIFSqueeze(4.0, batch_size=3)(x.flatten(0, 1)), LIF(4.0)(x).flatten(0, 1))
    assert torch.equal(LISqueeze(num_timesteps=8)(x.flatten(0, 1)), LI()(x).flatten(0, 1))
    for sizes in ({}, {"batch_size": 3, "num_timesteps": 8}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="batch_size, num_timesteps: expected one"):
            IFSqueeze(**sizes)
    with pytest.raises(ValueError, match="multiple of 5"):
        IFSqueeze(batch_size=5)(x.flatten(0, 1))


def test_a_module_runs_from_explicit_states():
    model = nn.Sequential(nn.Linear(3, 4), LIF(4.0), nn.Linear(4, 2), LI(4.0))
    x = torch.rand(2, 7, 3)
    whole = model(x)
    kept = model[1].state
    first, states = run_with_states(model, x[:, :4])
    second, _ = run_with_states(model, x[:, 4:], states)
    assert torch.equal(torch.cat([first, second], 1), whole) and set(states) == {"1", "3"}
    assert model[1].state is kept
    with pytest.raises(ValueError, match="'0'"):
        run_with_states(model, x, {"0": kept})
    assert model[1].state is kept


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IF(0.0), "threshold: expected a finite number above 0, got 0.0"),
        (lambda: IF(math.nan), "threshold"),
        (lambda: IF(2.0**-10, learn_threshold=True), "threshold: expected a finite number above 0.000976562"),
        (lambda: IF(reset="none"), "reset: expected 'subtract' or 'zero'"),
        (lambda: IF(initial_potential=math.inf), "initial_potential"),
        (lambda: LIF(), "tau_mem, decay: expected one of them"),
        (lambda: LIF(3.0, decay=0.5), "tau_mem, decay: expected one of them"),
        (lambda: LIF(-1.0), "tau_mem: expected a finite number above 0"),
        (lambda: LIF(1.0, dt=0.0), "dt: expected a finite number above 0"),
        (lambda: LIF(decay=1.5), "decay: expected a number within 0 and 1"),
        (lambda: ExpSyn(), "tau_syn, decay: expected one of them"),
        (lambda: LI(learn_decay=True), "tau_mem, decay: expected one of them"),
        (lambda: IF()(torch.ones(3, 0, 2)), "at least one step"),
        (lambda: IF()(torch.ones(3)), r"expected shape \(batch, time, …\)"),
        (lambda: IF(time_first=True)(torch.ones(3)), r"expected shape \(time, batch, …\)"),
        (lambda: IF()(torch.ones(3, 1, dtype=torch.int64)), "floating-point currents, got torch.int64"),
        (lambda: SequentialLinear(3, 2)(torch.ones(5, 4)), r"inputs of shape \(…, 3\), got \(5, 4\)"),
        (lambda: IF().run(torch.ones(3, 4, 2), torch.ones(2, 2)), "reset_states"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("reset", "backend"), [("subtract", "inductor"), ("zero", "aot_eager")])
def test_compiled_modules_have_the_same_bits_and_gradients(reset, backend):
    torch.manual_seed(0)
    model = nn.Sequential(LIF(decay=0.8, reset=reset, learn_decay=True), LI(decay=0.9))
    compiled = torch.compile(model, fullgraph=True, backend=backend)
    x = torch.rand(2, 3, 17, requires_grad=True)
    leaves = [x, *model.parameters()]
    due = model(x)
    gradients = torch.autograd.grad(due.square().sum(), leaves)
    reset_states(model)
    out = compiled(x)
    assert torch.equal(out, due) and due.any()
    for got, gradient in zip(torch.autograd.grad(out.square().sum(), leaves), gradients, strict=True):
        torch.testing.assert_close(got, gradient)
