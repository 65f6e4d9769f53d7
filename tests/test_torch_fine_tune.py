"""Freezing the layers of modules: what is frozen does not move by a bit; learning rates."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from spikeparity.rejection import RejectedError
from spikeparity.torch import (
    LI,
    LIF,
    Checkpoint,
    LIFSqueeze,
    ModuleError,
    apply_transfer_config,
    freeze_layers,
    frozen_layers,
    parameter_groups,
    reset_states,
    to_checkpoint,
    unfreeze_layers,
)
from spikeparity.torch.fine_tune import layers
from spikeparity.transfer import SNNCheckpoint, TransferConfig, load_checkpoint
from torch import nn

torch.set_num_threads(1)


class Net(nn.Module):
    """Registered in another order than called, with batch normalisations and learned neurons."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.readout = nn.Linear(6, 3)
        self.hidden = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6))
        self.first = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.squeeze = nn.Linear(8, 5)
        self.neurons = nn.ModuleList(
            LIFSqueeze(3.0, threshold=0.2, learn_threshold=True, learn_decay=True, num_timesteps=4) for _ in range(3)
        )

    def forward(self, x):
        x = self.neurons[0](self.norm(self.first(x)))
        x = self.neurons[1](self.squeeze(x.flatten(1)))
        return self.readout(self.neurons[2](self.hidden(x)))


NAMES = ["first", "squeeze", "hidden.0", "readout"]


def trained(net, optimizer, steps=3):
    """Train, and return the names of all parameters and statistics that have moved by as much as a bit."""
    before = copy.deepcopy(net.state_dict())
    for _ in range(steps):
        net.train()
        reset_states(net)
        optimizer.zero_grad(set_to_none=False)
        net(torch.rand(8, 1, 4, 4)).square().sum().backward()
        optimizer.step()
    return {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}


def state_of(net, *prefixes):
    buffers = ("initial_potential",)
    return {name for name in net.state_dict() if name.startswith(prefixes) and not name.endswith(buffers)}


FIRST = ("first", "norm", "neurons.0")
HIDDEN = ("hidden", "neurons.2")
ALL = (*FIRST, "squeeze", "neurons.1", *HIDDEN, "readout")


def test_layers_are_in_the_order_of_forward_and_hold_what_follows_the_weights():
    net = Net()
    assert [layer.name for layer in layers(net)] == NAMES
    assert [len(layer.parameters) for layer in layers(net)] == [6, 4, 6, 2]
    assert frozen_layers(freeze_layers(net)) == []
    assert frozen_layers(freeze_layers(net, ["hidden.0"], until_index=0)) == ["first", "hidden.0"]
    assert frozen_layers(unfreeze_layers(net)) == ["first", "hidden.0"]
    assert frozen_layers(unfreeze_layers(net, ["first"])) == ["hidden.0"]
    assert frozen_layers(unfreeze_layers(net, all_layers=True)) == []
    for call, code, path in (
        (lambda: freeze_layers(net, ["norm"]), "transfer.layer-names-unknown", "/layer_names/0"),
        (lambda: freeze_layers(net, until_index=4), "transfer.until-index-range", "/until_index"),
        (lambda: unfreeze_layers(net, all_layers=1), "transfer.all-layers-type", "/all_layers"),
        (
            lambda: apply_transfer_config(net, TransferConfig("norm")),
            "transfer.freeze-until-unknown",
            "/config/freeze_until",
        ),
    ):
        with pytest.raises(RejectedError) as caught:
            call()
        assert (caught.value.code, caught.value.path) == (code, path)


@pytest.mark.parametrize(
    "make",
    [
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
    ],
)
def test_what_is_frozen_does_not_move_by_a_bit_with_momentum_and_weight_decay(make):
    net = Net()
    optimizer = make(net.parameters())
    assert trained(net, optimizer) == state_of(net, *ALL)  # everything moves, and the momenta are there
    freeze_layers(net, ["hidden.0"], until_index=0)
    assert trained(net, optimizer) == state_of(net, *ALL) - state_of(net, *FIRST, *HIDDEN)
    again = pickle.loads(pickle.dumps(copy.deepcopy(net)))
    assert frozen_layers(again) == ["first", "hidden.0"]
    assert trained(again, make(again.parameters())) == state_of(net, *ALL) - state_of(net, *FIRST, *HIDDEN)
    unfreeze_layers(net, all_layers=True)
    assert trained(net, optimizer) == state_of(net, *ALL)


def test_a_transfer_config_freezes_and_gives_rates():
    net = Net()
    same, rates = apply_transfer_config(net, TransferConfig(freeze_until="squeeze", lr_head=0.5))
    assert same is net and rates == [0.0, 0.0, 0.5, 0.5] and frozen_layers(net) == ["first", "squeeze"]
    net = Net()
    _, rates = apply_transfer_config(net, TransferConfig(freeze_until=1, lr_backbone=0.25, lr_head=0.5))
    assert rates == [0.25, 0.25, 0.5, 0.5] and frozen_layers(net) == []  # they learn, slowly


def dense():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), LIF(3.0, learn_decay=True), nn.Linear(6, 5), LIF(3.0), nn.Linear(5, 2), LI())


@pytest.mark.parametrize("load", [load_checkpoint, Checkpoint.load])
def test_parameter_groups_of_a_saved_checkpoint(load, tmp_path):
    net = dense()
    freeze_layers(net, ["4"])
    to_checkpoint(net).save(tmp_path / "net")
    unfreeze_layers(net, all_layers=True)
    checkpoint = load(tmp_path / "net")
    groups = parameter_groups(net, checkpoint, TransferConfig(freeze_until=0, lr_head=0.125))
    assert [(group["name"], group["lr"], len(group["params"])) for group in groups] == [
        ("0", 0.0, 3),
        ("2", 0.125, 2),
        ("4", 0.0, 2),
    ]
    assert checkpoint.frozen_layers == ["0", "4"] == frozen_layers(net)
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=0.5)
    before = copy.deepcopy(net.state_dict())
    for _ in range(3):
        optimizer.zero_grad()
        reset_states(net)
        net(torch.rand(3, 9, 4)).square().sum().backward()
        optimizer.step()
    moved = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"2.weight", "2.bias"}


def test_parameter_groups_with_a_rate_for_the_backbone():
    net = dense()
    groups = parameter_groups(net, to_checkpoint(net), TransferConfig(freeze_until="2", lr_backbone=0.5, lr_head=1.0))
    assert [group["lr"] for group in groups] == [0.5, 0.5, 1.0] and frozen_layers(net) == []


def test_what_belongs_to_no_layer_is_named():
    net = dense()
    other = SNNCheckpoint([[[1.0]]], ["layer_0"], [(1, 1)])
    with pytest.raises(ModuleError, match="'0' is no layer of the checkpoint"):
        parameter_groups(net, other, TransferConfig())
    with pytest.raises(RejectedError) as caught:
        parameter_groups(net, other, TransferConfig(freeze_until=3))
    assert caught.value.code == "transfer.freeze-until-unknown"
    with pytest.raises(ModuleError, match="nothing to freeze"):
        freeze_layers(nn.Sequential(LIF(3.0)))
    loose = Net()
    loose.extra = nn.Parameter(torch.zeros(1))
    with pytest.raises(ModuleError, match="parameter 'extra' belongs to no module that is called"):
        freeze_layers(loose)
