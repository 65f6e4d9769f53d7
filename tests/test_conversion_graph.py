"""What is read from a model: the layers that `forward` calls, in its order; all else is an error that helps."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikeparity.conversion import ConversionError, QCFSActivation, convert
from torch import nn

torch.set_num_threads(1)  # two beside a busy neighbour are many times slower

WIDTH = 6


def spread(model, seed=0):
    """Give a model weights from a seed, and batch norms statistics that are not those of the start."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.uniform_(-0.5, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.5, 0.7, generator=generator)
    return model.eval()


def ann(network, x):
    """Compute the artificial network that a conversion without calibration contains: all λ are 1."""
    for weights, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        x = np.maximum(x @ weights.T + (0.0 if bias is None else bias), 0.0)
    last = network.biases[-1]
    return x @ network.weights[-1].T + (0.0 if last is None else last)


def assert_converts(model, shape=(WIDTH,), layers=2):
    """The layers of the conversion compute what the model computes."""
    spread(model)
    x = torch.rand(20, *shape, generator=torch.Generator().manual_seed(1))
    due = model(x.clone()).detach().numpy()
    network = convert(model)
    assert len(network.weights) == layers
    np.testing.assert_allclose(ann(network, x.reshape(20, -1).double().numpy()), due, atol=2e-5)
    assert abs(due).max() > 0.1


class Backwards(nn.Module):
    """Registers its layers in the reverse of the order in which it calls them."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(WIDTH, WIDTH)
        self.middle = nn.Linear(WIDTH, WIDTH, bias=False)
        self.first = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.last(F.relu(self.middle(F.relu(self.first(x)))))


class Calls(nn.Module):
    """Functional calls, of each kind that is understood."""

    def __init__(self, flatten, relu=F.relu):
        super().__init__()
        self.flatten, self.relu = flatten, relu
        self.first, self.last = nn.Linear(WIDTH, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = self.flatten(x)
        x = F.dropout(self.relu(self.first(x)), training=self.training)
        return self.last(x.contiguous())


class Shared(nn.Module):
    """Calls the same modules twice, in the order first, again, first, last."""

    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.first, self.again = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, 2)

    def forward(self, x):
        for module in (self.first, self.again, self.first):
            x = self.relu(module(x))
        return self.last(x)


def nested():
    block = nn.Sequential(nn.Linear(WIDTH, 4), nn.Sequential(nn.BatchNorm1d(4), nn.ReLU(inplace=True)), nn.Dropout())
    return nn.Sequential(nn.Flatten(), nn.Identity(), nn.Sequential(block), nn.Linear(4, 3))


def test_forward_order_counts_not_the_order_of_registration():
    assert_converts(Backwards(), layers=3)


def test_modules_that_are_called_several_times_are_several_layers():
    assert_converts(Shared(), layers=4)


def test_nested_modules():
    assert_converts(nested(), (2, 3))


def test_a_single_layer():
    assert_converts(nn.Linear(WIDTH, 3), layers=1)


@pytest.mark.parametrize(
    "flatten",
    [
        lambda x: torch.flatten(x, 1),
        lambda x: torch.flatten(x, start_dim=1, end_dim=-1),
        lambda x: x.flatten(1),
        lambda x: x.view(x.size(0), -1),
        lambda x: x.view((x.size(0), -1)),
        lambda x: x.view(x.size(dim=0), WIDTH),
        lambda x: x.reshape(x.shape[0], -1),
        lambda x: x.reshape(x.size()[0], -1),
        lambda x: torch.reshape(x, (x.shape[0], -1)),
        lambda x: x.view(-1, WIDTH),
    ],
)
def test_flattening(flatten):
    assert_converts(Calls(flatten), (2, 3))


@pytest.mark.parametrize(
    "relu", [F.relu, torch.relu, torch.relu_, lambda x: x.relu(), lambda x: F.relu(input=x), lambda x: x.relu_().relu()]
)
def test_functional_relu(relu):
    assert_converts(Calls(lambda x: x, relu))


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Linear(WIDTH, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)],
        [nn.Linear(WIDTH, 4, bias=False), nn.BatchNorm1d(4, affine=False), nn.ReLU(), nn.Linear(4, 3, bias=False)],
        [nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, 4), nn.ReLU(), nn.Linear(4, 3)],
        [nn.Linear(WIDTH, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.BatchNorm1d(4), nn.Linear(4, 3, bias=False)],
        [nn.Linear(WIDTH, 4), nn.ReLU(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.BatchNorm1d(3, eps=0.1)],
    ],
)
def test_batch_norms_are_folded(layers):
    assert_converts(nn.Sequential(*layers))


def test_parametrized_layers():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(WIDTH, 4)), nn.ReLU(), nn.Linear(4, 3))
    assert_converts(model)


class Forward(nn.Module):
    """A model of two layers and a ReLU, with a `forward` of the test's own."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.first, self.relu, self.last = nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH)
        self.run = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.run(self, x)


def relu_for_nothing(self, x):
    x = self.first(x)
    F.relu(x, inplace=True)  # works in PyTorch; whoever removes what nothing uses loses it
    return self.last(x)


def size_alone(self, x):
    y = self.first(x)
    return self.last(x.view(y.size(0), -1))


def hooked():
    model = Forward(lambda self, x: self.last(self.relu(self.first(x))))
    model.relu.register_forward_hook(lambda module, arguments, output: -output)
    return model


def not_finite():
    model = Forward(lambda self, x: self.last(self.relu(self.first(x))))
    model.last.bias.data[2] = float("nan")
    return model


def inside(module, *after):
    """Put a module between a Linear and others, two levels deep: its path is `1.0`."""
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Sequential(module), *after, nn.Linear(WIDTH, 2))


NOT_YET = "cannot be converted yet.*only dense layers"

REFUSED = [
    # what may come later
    (inside(nn.Conv2d(1, 1, 3)), "1.0", rf"Conv2d \('1.0'\) {NOT_YET}"),
    (inside(nn.AvgPool2d(2)), "1.0", rf"AvgPool2d \('1.0'\) {NOT_YET}"),
    (inside(nn.AdaptiveAvgPool2d(1)), "1.0", rf"AdaptiveAvgPool2d \('1.0'\) {NOT_YET}"),
    (inside(nn.BatchNorm2d(1)), "1.0", rf"BatchNorm2d \('1.0'\) {NOT_YET}"),
    (Forward(lambda self, x: self.last(self.relu(self.first(x)) + x)), "", f"add in the model's forward {NOT_YET}"),
    (Forward(lambda self, x: self.last(torch.add(self.first(x), x))), "", f"add .*{NOT_YET}"),
    (Forward(lambda self, x: self.last(F.conv1d(x, self.first.weight))), "", f"conv1d .*{NOT_YET}"),
    # what will not
    (inside(nn.MaxPool2d(2)), "1.0", r"MaxPool2d \('1.0'\) cannot be converted.*use average pooling"),
    (inside(nn.AdaptiveMaxPool2d(2)), "1.0", r"AdaptiveMaxPool2d \('1.0'\).*use average pooling"),
    (Forward(lambda self, x: self.last(F.max_pool1d(self.first(x), 2))), "", "max_pool1d.*use average pooling"),
    (inside(nn.Sigmoid()), "1.0", r"Sigmoid \('1.0'\) is no activation that firing rates.*use ReLU"),
    (inside(nn.LeakyReLU()), "1.0", r"LeakyReLU \('1.0'\) is no activation.*use ReLU"),
    (inside(nn.ReLU6()), "1.0", r"ReLU6 \('1.0'\) is no activation.*use ReLU"),
    (inside(nn.GELU()), "1.0", r"GELU \('1.0'\) is no activation.*use ReLU"),
    (Forward(lambda self, x: self.last(torch.tanh(self.first(x)))), "", "tanh in the model's forward is no activation"),
    (nn.Sequential(nn.Linear(WIDTH, 2), nn.Softmax(1)), "1", r"Softmax \('1'\) need not be converted: leave it off"),
    (nn.Sequential(nn.Linear(WIDTH, 2), nn.LogSoftmax(1)), "1", r"LogSoftmax \('1'\) need not.*leave it off"),
    (inside(nn.LayerNorm(WIDTH)), "1.0", r"LayerNorm \('1.0'\) cannot be converted: only an nn.BatchNorm1d"),
    (inside(nn.BatchNorm1d(WIDTH, track_running_stats=False)), "1.0", "has no running statistics"),
    (inside(nn.Bilinear(2, 2, 2)), "1.0", r"Bilinear \('1.0'\) cannot be converted: what can are Linear"),
    (Forward(lambda self, x: self.last(self.first(x) * 2.0)), "", "mul in the model's forward cannot be converted"),
    (Forward(lambda self, x: F.linear(x, self.first.weight)), "", "linear .*use an nn.Linear module"),
    (nn.DataParallel(nn.Linear(WIDTH, 2)), "", r"DataParallel only wraps a model: convert its \.module"),
    (Forward(lambda self, x: self.last(F.dropout(self.first(x)))), "", "dropout .*random in eval mode"),
    # what is in the wrong place
    (inside(nn.Identity()), "2", r"Linear \('2'\) follows '0' without a ReLU between"),
    (nn.Sequential(nn.ReLU(), nn.Linear(WIDTH, 2)), "0", r"ReLU \('0'\) does not follow a Linear"),
    (inside(nn.ReLU(), QCFSActivation(4, 1.0)), "2", r"QCFSActivation \('2'\) does not follow a Linear"),
    (inside(nn.ReLU(), nn.BatchNorm1d(WIDTH), nn.ReLU()), "3", r"ReLU \('3'\) does not follow a Linear"),
    (nn.Sequential(nn.Linear(WIDTH, 3), nn.ReLU(), nn.Linear(4, 2)), "2", "takes 4 features and is given 3"),
    (nn.Sequential(nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(WIDTH, 2)), "2", "takes 6 features and is given 3"),
    (inside(nn.BatchNorm1d(3)), "1.0", "takes 3 features and is given 6"),
    (nn.Sequential(nn.Linear(WIDTH, 3), nn.ReLU(), nn.BatchNorm1d(3)), "", "ends with a batch normalisation after"),
    (nn.Sequential(nn.Flatten()), "", "no Linear layer"),
    (nn.Sequential(nn.Flatten(0), nn.Linear(WIDTH, 2)), "0", r"Flatten \('0'\) has start_dim=0, end_dim=-1"),
    (Forward(lambda self, x: self.last(torch.flatten(x))), "", "flatten .*start_dim=0"),
    (Forward(lambda self, x: self.last(x.view(-1, 5))), "last", "takes 6 features and is given 5"),
    (Forward(lambda self, x: self.last(self.relu(self.first(x)).view(-1, 3))), "", "view .*only understood as"),
    (Forward(lambda self, x: self.last(x.view(x.size(0), 2, -1))), "", "view .*only understood as"),
    (Forward(lambda self, x: self.last(x.view(x.size(1), -1))), "", "size .*axis 1"),
    (Forward(lambda self, x: self.last(x[0])), "", "getitem .*only x.shape.0. is understood"),
    (Forward(lambda self, x: self.last(x.T)), "last", "getattr .*'T'"),
    # what would be lost
    (Forward(relu_for_nothing), "", "relu in the model's forward has a result that nothing uses"),
    (Forward(lambda self, x: (self.last(x), self.first(x))[0]), "first", "has a result that nothing uses"),
    (Forward(lambda self, x: self.last(torch.cat([self.first(x), x]))), "", "cat in the model's forward cannot be"),
    (Forward(size_alone), "first", r"Linear \('first'\) has a result that nothing uses"),
    (Forward(lambda self, x: (self.first(x), self.relu(self.last(x)))[1]), "first", "nothing uses"),
    (Forward(lambda self, x: (self.first(x), x)), "", "must return one tensor"),
    (Forward(lambda self, x: {"y": self.first(x)}), "", "must return one tensor"),
    (Forward(lambda self, x: self.last(x) if x.sum() > 0 else x), "", "cannot be traced by torch.fx"),
    (Forward(lambda self, x, y: self.last(x + y)), "", "cannot be traced by torch.fx.*one tensor"),
    (hooked(), "relu", r"ReLU \('relu'\) has forward hooks"),
    (not_finite(), "last", "'last'.*bias.*not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "module", "says"), REFUSED, ids=[says[:40] for _, _, says in REFUSED])
def test_what_cannot_be_converted_is_named(model, module, says):
    with pytest.raises(ConversionError) as caught:
        convert(model)
    assert re.search(says, str(caught.value), re.DOTALL), str(caught.value)
    assert caught.value.module == module


class Block(nn.Module):
    def forward(self, x):
        return torch.sigmoid(x)


def test_a_call_is_named_by_the_module_that_makes_it():
    with pytest.raises(ConversionError, match=r"sigmoid in '1\.0' is no activation") as caught:
        convert(inside(Block()))
    assert caught.value.module == "1.0"
