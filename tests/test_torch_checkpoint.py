"""Modules to pairs of format 2 and back: bits of the simulation, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spikeparity.neurons import Constant, simulate
from spikeparity.rejection import RejectedError
from spikeparity.torch import (
    IF,
    LI,
    LIF,
    Checkpoint,
    ExpSyn,
    IFSqueeze,
    LIFSqueeze,
    ModuleError,
    SequentialConv2d,
    SequentialLinear,
    freeze_layers,
    frozen_layers,
    load_into,
    reset_states,
    to_checkpoint,
)
from spikeparity.transfer import load_checkpoint, load_network
from torch import nn

torch.set_num_threads(1)

STEPS = 6


def dense(seed=0, **options):
    torch.manual_seed(seed)
    return nn.Sequential(
        SequentialLinear(5, 7),
        LIF(4.0, threshold=0.3, initial_potential=0.1, learn_threshold=True, learn_decay=True, **options),
        nn.Dropout(),
        SequentialLinear(7, 4, bias=False),
        IF(0.7, reset="zero", **options),
        SequentialLinear(4, 3),
        LI(decay=0.9, **options),
    )


def conv(seed=0, kind=SequentialConv2d, linear=SequentialLinear):
    torch.manual_seed(seed)
    return nn.Sequential(
        kind(2, 4, 3, padding=1),
        IFSqueeze(0.4, num_timesteps=STEPS),
        nn.AvgPool2d(2),
        kind(4, 6, (3, 2), stride=(1, 2), dilation=(1, 1), groups=2, bias=False),
        LIFSqueeze(3.0, threshold=0.3, num_timesteps=STEPS),
        nn.Flatten(),
        linear(12, 3),
        IFSqueeze(num_timesteps=STEPS),
        nn.Unflatten(0, (-1, STEPS)),
    )


class Residual(nn.Module):
    """Branches that meet: of a convolution and of what it was given, then of two convolutions."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first = SequentialConv2d(2, 2, 3, padding=1)
        self.one = IFSqueeze(0.5, num_timesteps=STEPS)
        self.second = SequentialConv2d(2, 2, 3, padding=1, bias=False)
        self.two = IFSqueeze(0.5, num_timesteps=STEPS)
        self.left = SequentialConv2d(2, 3, 3, bias=False)
        self.right = SequentialConv2d(2, 3, 3, bias=True)
        self.three = IFSqueeze(0.5, num_timesteps=STEPS)

    def forward(self, x):
        a = self.one(self.first(x.flatten(0, 1)))
        b = self.two(self.second(a) + a)
        return self.three(torch.add(self.left(a), self.right(b))).unflatten(0, (-1, STEPS))


def inputs(*shape):
    return np.random.default_rng(1).uniform(-0.5, 1.5, size=(3, *shape)).round(1)


def shown(module, values):
    """Run a module on values that are presented at every step; return spikes or potentials (samples, steps, …)."""
    reset_states(module)
    dtype = next(module.parameters()).dtype
    x = torch.tensor(values).to(dtype)[:, None].expand(-1, STEPS, *values.shape[1:])
    first = next(module.children())
    with torch.no_grad():
        return module(x.flatten(0, 1) if isinstance(module, nn.Sequential) and isinstance(first, nn.Conv2d) else x)


@pytest.mark.parametrize(("dtype", "profile"), [(torch.float64, "sequential-f64"), (torch.float32, "sequential-f32")])
@pytest.mark.parametrize(
    ("make", "shape"), [(dense, (5,)), (conv, (2, 8, 6)), (Residual, (2, 6, 5))], ids=["dense", "conv", "residual"]
)
def test_what_is_saved_is_what_the_module_computes(make, shape, dtype, profile, tmp_path):
    module = make().to(dtype).eval()
    values = inputs(*shape)
    if make is Residual:  # in the document the bias of a sum comes last, in the module between the branches
        nn.init.zeros_(module.right.bias)
    checkpoint = to_checkpoint(module, input_shape=shape if len(shape) == 3 else None, metadata={"T": STEPS})
    checkpoint.save(tmp_path / "net")
    due = simulate(load_network(tmp_path / "net"), STEPS, Constant(values.reshape(3, -1)), profile=profile)
    out = shown(module, values)
    got = out[:, -1] if make is dense else out.sum(1)
    assert np.array_equal(got.flatten(1).numpy(), due.readout) and due.readout.any()
    assert Checkpoint.load(tmp_path / "net").metadata == {"T": STEPS}


def test_networks_in_a_row_need_no_names_and_dense_ones_are_checkpoints_too(tmp_path):
    module = dense()
    checkpoint = to_checkpoint(module)
    assert checkpoint.layer_names == ["0", "3", "5"] and checkpoint.network.layers[1].name is None
    assert checkpoint.network.readout == "membrane"
    freeze_layers(module, ["3"])
    to_checkpoint(module).save(tmp_path / "net")
    loaded = load_checkpoint(tmp_path / "net")
    assert loaded.layer_names == ["0", "3", "5"] and loaded.frozen_layers == ["3"]
    assert loaded.weights[0].tobytes() == module[0].weight.detach().double().numpy().tobytes()
    with torch.no_grad():
        module[0].weight.zero_()  # no memory is shared
    assert checkpoint.network.layers[0].weights.any()
    names = [layer.name for layer in to_checkpoint(Residual(), input_shape=(2, 6, 5)).network.layers]
    assert names == ["first", "second", "left"]


@pytest.mark.parametrize(("make", "shape"), [(dense, (5,)), (conv, (2, 8, 6))], ids=["dense", "conv"])
def test_a_pair_is_loaded_into_another_module(make, shape, tmp_path):
    one, other = make(0).eval(), make(1).eval()
    freeze_layers(one, until_index=0)
    if make is dense:
        with torch.no_grad():
            one[1].threshold.fill_(0.25)
            one[1].decay.fill_(0.5)
    values = inputs(*shape)
    due = shown(one, values)
    assert not torch.equal(shown(other, values), due)
    to_checkpoint(one, input_shape=shape if len(shape) == 3 else None).save(tmp_path / "net")
    load_into(other, Checkpoint.load(tmp_path / "net"))
    assert torch.equal(shown(other, values), due) and frozen_layers(other) == ["0"]
    third = make(2).eval()
    load_into(third, load_network(tmp_path / "net"))
    assert torch.equal(shown(third, values), due) and frozen_layers(third) == []
    if make is dense:
        assert (third[1].threshold.item(), third[1].decay.item()) == (0.25, 0.5)


def test_residuals_are_loaded_with_one_bias_for_the_sum():
    one, other = Residual(), Residual()
    nn.init.normal_(one.right.bias)
    nn.init.normal_(one.first.weight)
    load_into(other, to_checkpoint(one, input_shape=(2, 6, 5)))
    assert torch.equal(other.first.weight, one.first.weight) and torch.equal(other.right.bias, one.right.bias)


def changed(position, layer):
    modules = list(dense())
    modules[position] = layer
    return nn.Sequential(*modules)


@pytest.mark.parametrize(
    ("module", "path", "message"),
    [
        (changed(0, SequentialLinear(6, 7)), "1", r"shape of the weights: the module has \(7, 6\)"),
        (changed(0, SequentialLinear(5, 7, bias=False)), "1", "bias: the module has False"),
        (changed(1, IF()), "1", "model: the module has if, layer 0 of the checkpoint lif"),
        (changed(4, IF()), "4", "reset: the module has subtract, layer 1 of the checkpoint zero"),
        (changed(6, LI()), "6", "model: the module has if, layer 2 of the checkpoint lif"),
        (changed(6, LIF(3.0)), "6", "readout is 'membrane'"),
        (dense()[:2], "", "the module has 1 layers, the checkpoint 3"),
    ],
)
def test_what_does_not_fit_is_not_loaded(module, path, message):
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(ModuleError, match=message) as caught:
        load_into(module, to_checkpoint(dense(1)))
    assert caught.value.module == path
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_convolutions_and_pools_must_fit_and_other_things_are_no_checkpoints(tmp_path):
    due = to_checkpoint(conv(), input_shape=(2, 8, 6))
    for position, layer, message in (
        (0, nn.Conv2d(2, 4, 3, padding=2), r"padding: the module has \[2, 2\]"),
        (2, nn.AvgPool2d(2, stride=1), r"stride: the module has \[1, 1\]"),
        (3, nn.Conv2d(4, 6, (3, 2), stride=(1, 2), bias=False), "groups: the module has 1"),
    ):
        modules = list(conv())
        modules[position] = layer
        with pytest.raises(ModuleError, match=message):
            load_into(nn.Sequential(*modules), due)
    to_checkpoint(dense()).save(tmp_path / "net")
    with pytest.raises(ModuleError, match="expected a Checkpoint"):
        load_into(dense(), load_checkpoint(tmp_path / "net"))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.neurons = nn.Linear(3, 3), IF()

    def forward(self, x):
        return self.neurons(self.linear(self.neurons(self.linear(x))))


class Looping(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.neurons = nn.Linear(3, 3), IF()

    def forward(self, x):
        return self.neurons(self.linear(x)) if x.sum() > 0 else x


def smooth():
    layer = IF()
    layer.firing = type(layer.firing)(layer.firing.surrogate, "subtract", smooth=True)
    return layer


@pytest.mark.parametrize(
    ("module", "path", "message"),
    [
        (nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), IF()), "1", "ReLU '1' is not in network documents"),
        (nn.Sequential(nn.Linear(3, 3), ExpSyn(3.0), IF()), "1", "ExpSyn '1' is a synapse"),
        (nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), IF()), "1", "BatchNorm1d '1' .* fold it into the layer"),
        (nn.Sequential(nn.Linear(3, 3), IF(), nn.Sequential(nn.MaxPool2d(2)), IF()), "2.0", "use AvgPool2d"),
        (nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), IF()), "1", "Linear '1' follows '0' without neurons between"),
        (nn.Sequential(nn.Linear(3, 3), LI(), nn.Linear(3, 3), IF()), "1", "LI '1' is not the last layer"),
        (nn.Sequential(nn.Linear(3, 3), IF(), nn.Linear(3, 3)), "", "must return what its last layer gives"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), IF()), "0", "tell the input_shape"),
        (nn.Sequential(nn.Linear(3, 3), smooth()), "1", "is smooth"),
        (Twice(), "linear", "Linear 'linear' is called twice"),
        (Looping(), "", "cannot be traced by torch.fx"),
    ],
)
def test_what_a_network_document_cannot_say_is_refused_by_name(module, path, message):
    with pytest.raises(ModuleError, match=message) as caught:
        to_checkpoint(module)
    assert caught.value.module == path


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.Conv2d(2, 2, 3, padding="same"), "pads otherwise"),
        (nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), "pads otherwise"),
        (nn.AvgPool2d(2, padding=1), "has padding, ceil_mode or divisor_override"),
        (nn.AvgPool2d(2, ceil_mode=True), "has padding, ceil_mode or divisor_override"),
        (nn.Linear(6, 6), r"is given \(channels, height, width\): put a Flatten"),
    ],
)
def test_what_convolutions_cannot_say_either(layer, message):
    with pytest.raises(ModuleError, match=message):
        to_checkpoint(nn.Sequential(layer, IFSqueeze(batch_size=1)), input_shape=(2, 6, 6))


def test_rules_of_networks_apply():
    module = dense()
    with torch.no_grad():
        module[0].weight[1, 2] = torch.nan
    with pytest.raises(RejectedError) as caught:
        to_checkpoint(module)
    assert (caught.value.code, caught.value.path) == ("network.weight-finite", "/layers/0/weights/1/2")
