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
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.5, 0.7, generator=generator)
    return model.eval()


def ann(network, x):
    """Compute the artificial network that a conversion without calibration contains: all λ are 1."""
    network, values = network.to_network(), []
    outside = torch.tensor(x, dtype=torch.float64).reshape(len(x), *network.given(-1))
    for layer, sources in zip(network.layers, network.sources, strict=True):
        parts = layer.inputs if layer.kind == "sum" else [layer]
        given = [outside if source < 0 else values[source] for source in sources]
        y = sum(part_of(part, value) for part, value in zip(parts, given, strict=True))
        if getattr(layer, "bias", None) is not None:
            y = y + torch.tensor(layer.bias).reshape(-1, *[1] * (y.ndim - 2))
        values.append(y if layer is network.layers[-1] else y.relu())
    return values[-1].flatten(1).numpy()


def part_of(part, x):
    """Compute a layer or a branch, without bias."""
    if part.kind == "dense":
        return x @ torch.tensor(part.weights).T
    if part.kind == "conv2d":
        window = {key: getattr(part, key) for key in ("stride", "padding", "dilation", "groups")}
        return F.conv2d(x, torch.tensor(part.weights), **window)
    if part.kind == "avgpool2d":
        return F.avg_pool2d(x, part.kernel, part.stride)
    return x.flatten(1) if part.kind == "flatten" else part.weight * x


def assert_converts(model, shape=(WIDTH,), layers=2, **options):
    """The layers of the conversion compute what the model computes."""
    spread(model)
    x = torch.rand(20, *shape, generator=torch.Generator().manual_seed(1))
    due = model(x.clone()).detach().flatten(1).numpy()
    network = convert(model, **options)
    assert layers in (len(network.weights), kinds(network))
    np.testing.assert_allclose(ann(network, x.reshape(20, -1).double().numpy()), due, rtol=2e-5, atol=2e-5)
    assert abs(due).max() > 0.1
    return network


def kinds(network):
    return " ".join(layer.kind for layer in network.to_network().layers)


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


def images(*modules):
    return nn.Sequential(*modules)


IMAGES = [
    ("conv2d flatten dense", images(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3))),
    (
        "conv2d conv2d",
        images(nn.Conv2d(2, 4, (3, 2), (2, 1), (1, 0), (1, 2), 2, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 1)),
    ),
    ("conv2d conv2d", images(nn.Conv2d(2, 4, 3, padding="same", groups=2), nn.ReLU(), nn.Conv2d(4, 1, 6))),
    ("conv2d conv2d", images(nn.Conv2d(2, 4, 3, padding="valid", dilation=2), nn.ReLU(), nn.Conv2d(4, 2, 2))),
    (
        "conv2d avgpool2d conv2d avgpool2d flatten dense",
        images(
            nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
            nn.AvgPool2d(2),
            nn.Sequential(nn.Conv2d(4, 4, 2, bias=False, groups=2), nn.BatchNorm2d(4, affine=False), nn.ReLU()),
            nn.Dropout2d(),
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Flatten(),
            nn.Linear(4, 3),
        ),
    ),
    ("conv2d conv2d", images(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 4), nn.BatchNorm2d(2))),
    (
        "conv2d conv2d",
        images(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False)),
    ),
    (
        "conv2d avgpool2d flatten dense",
        images(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.BatchNorm2d(4), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)),
    ),
    (
        "conv2d flatten dense",
        images(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.ReLU(), nn.BatchNorm1d(48), nn.Linear(48, 3)),
    ),
    ("conv2d avgpool2d conv2d", images(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AvgPool2d(3, 1, 0, True), nn.Conv2d(3, 1, 1))),
    ("avgpool2d flatten dense", images(nn.AvgPool2d((2, 3), (3, 1)), nn.Flatten(), nn.Linear(16, 3))),
    ("dense dense", images(nn.Flatten(), nn.Linear(72, 4), nn.ReLU(), nn.Linear(4, 3))),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "model"), IMAGES)
def test_convolutions_and_pools(layers, model):
    network = assert_converts(model, (2, 6, 6), layers, input_shape=(2, 6, 6))
    assert network.to_network().input_shape == (None if layers == "dense dense" else (2, 6, 6))


class Branches(nn.Module):
    """Two convolutions and what a test makes of them."""

    def __init__(self, forward):
        super().__init__()
        self.run = forward
        self.a, self.b, self.relu = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1, bias=False), nn.ReLU()
        self.norm, self.pool, self.last = nn.BatchNorm2d(2), nn.AvgPool2d(2), nn.Linear(18, 3)

    def forward(self, x):
        x = self.run(self, x)
        return self.last(self.pool(x).flatten(1))


def block(add):
    """A residual block as most write it, after a first layer."""

    def forward(self, x):
        x = self.relu(self.b(x))
        y = self.norm(self.a(x))
        return self.relu(add(y, x))

    return forward


def in_place(y, x):
    y += x
    return y


def three(self, x):
    x = self.relu(self.b(x))
    return self.relu(self.a(x) + x + self.norm(self.b(x)))


def never_negative(self, x):
    x = self.relu(self.b(x))
    return x + self.relu(self.a(x))


def before_the_next(self, x):
    """A sum without ReLU is what the next layer and the next addition take."""
    x = self.relu(self.b(x))
    x = x + self.relu(self.a(x))
    return x + self.relu(self.norm(self.b(x)))


SUM_TAIL = "avgpool2d flatten dense"
RESIDUAL = [
    ("conv2d sum", block(lambda y, x: y + x)),
    ("conv2d sum", block(lambda y, x: x + y)),
    ("conv2d sum", block(torch.add)),
    ("conv2d sum", block(lambda y, x: torch.add(input=y, other=x, alpha=1))),
    ("conv2d sum", block(lambda y, x: y.add(x))),
    ("conv2d sum", block(lambda y, x: y.add_(x))),
    ("conv2d sum", block(in_place)),
    ("sum", lambda self, x: self.relu(self.a(x) + self.b(x))),
    ("sum", lambda self, x: self.relu(self.norm(self.a(x) + self.b(x)))),
    ("sum", lambda self, x: self.relu(self.a(x) + x)),
    ("conv2d sum", three),
    ("conv2d conv2d sum", never_negative),
    ("conv2d conv2d sum conv2d sum", before_the_next),
    ("conv2d sum", lambda self, x: (lambda y: y + y)(self.relu(self.b(x)))),
]


@pytest.mark.parametrize(("layers", "forward"), RESIDUAL)
def test_residual_connections(layers, forward):
    assert_converts(Branches(forward), (2, 6, 6), f"{layers} {SUM_TAIL}", input_shape=(2, 6, 6))


class Flat(nn.Module):
    """A residual connection of dense layers; of two flattened ones; from the input."""

    def __init__(self, forward, width):
        super().__init__()
        self.run, self.relu = forward, nn.ReLU()
        self.conv, self.a, self.last = nn.Conv2d(2, 1, 3), nn.Linear(width, width), nn.Linear(width, 3)

    def forward(self, x):
        return self.last(self.relu(self.run(self, x)))


def flattened(self, x):
    x = self.relu(self.conv(x)).flatten(1)
    return x + self.a(x)


@pytest.mark.parametrize(
    ("layers", "shape", "width", "forward"),
    [
        ("flatten sum dense", (6,), 6, lambda self, x: self.a(x) + x),
        ("flatten sum dense", (2, 3, 3), 18, lambda self, x: (lambda y: y + self.a(y))(x.flatten(1))),
        ("conv2d flatten sum dense", (2, 6, 6), 16, flattened),
        ("sum dense", (6,), 6, lambda self, x: self.a(x) + self.a(x)),
        ("dense sum dense", (6,), 6, lambda self, x: (lambda y: self.a(y) + y)(self.relu(self.a(x)))),
    ],
)
def test_residual_connections_of_one_dimension(layers, shape, width, forward):
    assert_converts(Flat(forward, width), shape, layers, input_shape=shape)


def test_the_shape_of_the_input_is_that_of_the_calibration_data():
    model = spread(images(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)))
    x = torch.rand(5, 1, 6, 6)
    batches = ((part, None) for part in x.split(2))
    for data, options in ((x, {}), (x.numpy(), {}), (batches, {}), (None, {"input_shape": [1, 6, 6]})):
        assert convert(model, data, **options).to_network().input_shape == (1, 6, 6)
    with pytest.raises(ConversionError, match=r"Conv2d \('0'\) needs to know the shape.*or input_shape"):
        convert(model)
    for shape in ((), 6, (1, 6.0, 6), (0, 6, 6), "6"):
        with pytest.raises(ConversionError, match="input_shape: expected positive integers"):
            convert(model, input_shape=shape)


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


REFUSED = [
    # what will not
    (inside(nn.MaxPool2d(2)), "1.0", r"MaxPool2d \('1.0'\) cannot be converted.*use average pooling"),
    (inside(nn.AdaptiveMaxPool2d(2)), "1.0", r"AdaptiveMaxPool2d \('1.0'\).*use average pooling"),
    (Forward(lambda self, x: self.last(F.conv1d(x, self.first.weight))), "", "conv1d .*only an nn.Conv2d module"),
    (Forward(lambda self, x: self.last(x + 1.0)), "", "add in the model's forward is given 1.0"),
    (Forward(lambda self, x: self.last(x.mean(1))), "", "mean .*use nn.AdaptiveAvgPool2d"),
    (inside(nn.ConvTranspose2d(1, 1, 3)), "1.0", r"ConvTranspose2d \('1.0'\).*only an nn.Conv2d"),
    (inside(nn.AvgPool1d(2)), "1.0", r"AvgPool1d \('1.0'\).*only AvgPool2d"),
    (Forward(lambda self, x: self.last(F.max_pool1d(self.first(x), 2))), "", "max_pool1d.*use average pooling"),
    (inside(nn.Sigmoid()), "1.0", r"Sigmoid \('1.0'\) is no activation that firing rates.*use ReLU"),
    (inside(nn.LeakyReLU()), "1.0", r"LeakyReLU \('1.0'\) is no activation.*use ReLU"),
    (inside(nn.ReLU6()), "1.0", r"ReLU6 \('1.0'\) is no activation.*use ReLU"),
    (inside(nn.GELU()), "1.0", r"GELU \('1.0'\) is no activation.*use ReLU"),
    (Forward(lambda self, x: self.last(torch.tanh(self.first(x)))), "", "tanh in the model's forward is no activation"),
    (nn.Sequential(nn.Linear(WIDTH, 2), nn.Softmax(1)), "1", r"Softmax \('1'\) need not be converted: leave it off"),
    (nn.Sequential(nn.Linear(WIDTH, 2), nn.LogSoftmax(1)), "1", r"LogSoftmax \('1'\) need not.*leave it off"),
    (inside(nn.LayerNorm(WIDTH)), "1.0", r"LayerNorm \('1.0'\) cannot be converted: only BatchNorm1d and"),
    (inside(nn.BatchNorm1d(WIDTH, track_running_stats=False)), "1.0", "has no running statistics"),
    (inside(nn.Bilinear(2, 2, 2)), "1.0", r"Bilinear \('1.0'\) cannot be converted: what can are Linear"),
    (Forward(lambda self, x: self.last(self.first(x) * 2.0)), "", "mul in the model's forward.*only x . y of two"),
    (Forward(lambda self, x: F.linear(x, self.first.weight)), "", "linear .*use an nn.Linear module"),
    (nn.DataParallel(nn.Linear(WIDTH, 2)), "", r"DataParallel only wraps a model: convert its \.module"),
    (Forward(lambda self, x: self.last(F.dropout(self.first(x)))), "", "dropout .*random in eval mode"),
    # what is in the wrong place
    (inside(nn.Identity()), "2", r"Linear \('2'\) follows '0' without a ReLU between"),
    (nn.Sequential(nn.ReLU(), nn.Linear(WIDTH, 2)), "0", r"ReLU \('0'\) does not follow a Linear or a Conv2d"),
    (inside(nn.ReLU(), QCFSActivation(4, 1.0)), "2", r"QCFSActivation \('2'\) does not follow a Linear"),
    (inside(nn.ReLU(), nn.BatchNorm1d(WIDTH), nn.ReLU()), "3", r"ReLU \('3'\) does not follow a Linear"),
    (nn.Sequential(nn.Linear(WIDTH, 3), nn.ReLU(), nn.Linear(4, 2)), "2", "takes 4 features and is given 3"),
    (nn.Sequential(nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(WIDTH, 2)), "2", "takes 6 features and is given 3"),
    (inside(nn.BatchNorm1d(3)), "1.0", "takes 3 features and is given 6"),
    (nn.Sequential(nn.Linear(WIDTH, 3), nn.ReLU(), nn.BatchNorm1d(3)), "", "ends with a batch normalisation after"),
    (nn.Sequential(nn.Flatten()), "", "no Linear and no Conv2d layer"),
    (nn.Sequential(nn.Flatten(0), nn.Linear(WIDTH, 2)), "0", r"Flatten \('0'\) has start_dim=0, end_dim=-1"),
    (Forward(lambda self, x: self.last(torch.flatten(x))), "", "flatten .*start_dim=0"),
    (Forward(lambda self, x: self.last(x.view(-1, 5))), "last", "takes 6 features and is given 5"),
    (Forward(lambda self, x: self.last(self.relu(self.first(x)).view(-1, 3))), "", "view .*only understood as"),
    (Forward(lambda self, x: self.last(x.view(x.size(0), 2, -1))), "", "view .*only understood as"),
    (Forward(lambda self, x: self.last(x.view(x.size(1), -1))), "", "size .*axis 1"),
    (Forward(lambda self, x: self.last(x[0])), "", "getitem .*only x.shape.0. is understood"),
    (Forward(lambda self, x: self.last(x.T)), "last", "getattr .*'T'"),
    # what would be lost
    (Forward(relu_for_nothing), "", "relu in the model's forward shares 'first', .*put a ReLU before"),
    (Forward(lambda self, x: (self.last(x), self.first(x))[0]), "first", "has a result that nothing uses"),
    (Forward(lambda self, x: self.last(torch.cat([self.first(x), x]))), "", "cat .*only additions join"),
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


def shared(self, x):
    y = self.a(x)
    return self.relu(y) + y


def in_place_of_others(self, x):
    x = self.relu(self.b(x))
    y = self.a(x)
    x += y
    return self.relu(x)


def in_place_behind_a_view(self, x):
    x = self.relu(self.b(x))
    y = x.contiguous()
    y += self.a(x)
    return self.relu(y)


def in_place_of_the_input(self, x):
    x += self.a(x)
    return self.relu(x)


def branches(forward):
    return Branches(forward)


REFUSED_IMAGES = [
    (images(nn.Conv2d(1, 2, 3)), "0", r"Conv2d \('0'\) takes 1 channels and is given 2 × 6 × 6"),
    (images(nn.Conv2d(2, 2, 7)), "0", "window that does not fit into 2 × 6 × 6"),
    (images(nn.Conv2d(2, 2, 3, padding_mode="reflect", padding=1)), "0", "padding_mode='reflect': use 'zeros'"),
    (images(nn.Conv2d(2, 2, 2, padding="same")), "0", "even kernel.*use an odd"),
    (images(nn.Flatten(), nn.Conv2d(2, 2, 3)), "1", r"takes \(channels, height, width\) and is given 72"),
    (images(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Linear(4, 2)), "2", "given 3 × 4 × 4 per sample: put an nn.Flatten"),
    (images(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 3, 3)), "1", r"Conv2d \('1'\) follows '0' without a ReLU between"),
    (images(nn.Conv2d(2, 3, 3), nn.AvgPool2d(2), nn.ReLU()), "1", r"AvgPool2d \('1'\) follows '0' without a ReLU"),
    (images(nn.AvgPool2d(2), nn.ReLU(), nn.Conv2d(2, 1, 2)), "1", "does not follow a Linear or a Conv2d"),
    (images(nn.AvgPool2d(2, padding=1)), "0", r"AvgPool2d \('0'\) has a padding"),
    (images(nn.AvgPool2d(4, 3, ceil_mode=True)), "0", "ceil_mode=True.*use ceil_mode=False"),
    (images(nn.AvgPool2d(2, divisor_override=3)), "0", "divisor_override"),
    (images(nn.AdaptiveAvgPool2d(2)), "0", "output_size=2: only 1.*use AvgPool2d"),
    (images(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AvgPool2d(2)), "", "ends with pooling: add a Linear"),
    (images(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2)), "2", r"MaxPool2d \('2'\).*use average pooling"),
    (images(nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3, padding=1)), "1", "pads what a batch norm.*or pad with 0"),
    (images(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.BatchNorm1d(48)), "2", "follows an addition, or flattened"),
    (images(nn.BatchNorm1d(2)), "0", "given 2 × 6 × 6 per sample: use BatchNorm2d"),
    (images(nn.BatchNorm2d(3)), "0", "takes 3 features and is given 2"),
    (branches(shared), "relu", "shares 'a', which has no ReLU behind it yet.*put a ReLU before they part"),
    (branches(lambda self, x: (lambda y: y + y)(self.a(x))), "", "add .*shares 'a'"),
    (branches(in_place_of_others), "", "iadd .*changes in place what others use too: write x = x . y"),
    (branches(in_place_behind_a_view), "", "iadd .*changes in place"),
    (branches(in_place_of_the_input), "", "iadd .*changes in place"),
    (branches(lambda self, x: torch.add(self.a(x), x, alpha=2)), "", "has alpha or out: write x . y"),
    (branches(lambda self, x: self.a(x) + self.pool(x)), "", "adds 2 × 6 × 6 and 2 × 3 × 3: both must have one shape"),
    (branches(lambda self, x: self.relu(self.a(x) + self.norm(self.relu(self.b(x))))), "", "adds what a batch norm"),
    (branches(lambda self, x: self.relu(self.norm(self.a(x) + x))), "norm", "follows an addition"),
    (branches(lambda self, x: self.a(x).flatten(1) + self.b(x).flatten(1)), "", "flatten the sum"),
    (branches(lambda self, x: self.a(x) + x), "pool", "follows 'a' without a ReLU"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "module", "says"), REFUSED_IMAGES, ids=[says[:40] for _, _, says in REFUSED_IMAGES])
def test_what_cannot_be_converted_of_images_is_named(model, module, says):
    with pytest.raises(ConversionError) as caught:
        convert(spread(model), input_shape=(2, 6, 6))
    assert re.search(says, str(caught.value), re.DOTALL), str(caught.value)
    assert caught.value.module == module


class Block(nn.Module):
    def forward(self, x):
        return torch.sigmoid(x)


def test_a_call_is_named_by_the_module_that_makes_it():
    with pytest.raises(ConversionError, match=r"sigmoid in '1\.0' is no activation") as caught:
        convert(inside(Block()))
    assert caught.value.module == "1.0"
