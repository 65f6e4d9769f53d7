"""QCFSActivation: its values are those of the NumPy function, its gradient the straight-through one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikeparity.conversion import ConversionError, QCFSActivation, qcfs, replace_relu_with_qcfs
from spikeparity.rejection import RejectedError
from torch import nn

torch.set_num_threads(1)  # two beside a busy neighbour are many times slower

SETTINGS = [(1, 1.0), (4, 0.7), (7, 3.3), (64, 0.01)]


def points(T, theta, dtype):
    """Random values, and those about each step of the quantization."""
    rng = np.random.default_rng(3)
    edges = np.arange(-3, 2 * T + 3) * theta / (2 * T)
    values = np.concatenate([rng.normal(size=100) * theta * 2, edges]).astype(dtype)
    about = [np.nextafter(values, dtype(side * 1e30), dtype=dtype) for side in (-1, 1)]
    return np.concatenate([values, *about])


@pytest.mark.parametrize(("T", "theta"), SETTINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_the_spec_bit_for_bit(T, theta, dtype):
    activation = QCFSActivation(T, theta).to(torch.float32 if dtype is np.float32 else torch.float64)
    x = points(T, theta, dtype)
    due = qcfs(x, float(activation.theta.detach()), T).astype(dtype)
    assert len(set(due.tolist())) == T + 1
    assert activation(torch.tensor(x)).detach().numpy().tobytes() == due.tobytes()
    assert activation(torch.tensor(x).reshape(-1, 1)).shape == (len(x), 1)


@pytest.mark.parametrize(("T", "theta"), SETTINGS)
def test_gradients_are_those_of_the_formulas(T, theta):
    activation = QCFSActivation(T, theta).double()
    theta = float(activation.theta.detach())
    x = torch.tensor(points(T, theta, np.float64), requires_grad=True)
    incoming = torch.linspace(-1.0, 2.0, len(x), dtype=torch.float64)
    h = activation(x)
    h.backward(incoming)
    low, high = -theta / (2 * T), theta - theta / (2 * T)
    on_x, on_theta = [], []
    for value, output, factor in zip(x.tolist(), h.tolist(), incoming.tolist(), strict=True):
        within = low < value < high
        on_x.append(factor if within else 0.0)
        on_theta.append(factor * ((output - value) / theta if within else (1.0 if value >= high else 0.0)))
    assert x.grad.tolist() == on_x
    assert 0 < np.count_nonzero(on_x) < len(on_x)
    assert float(activation.theta.grad) == pytest.approx(sum(on_theta), rel=1e-12)


def test_training_through_it_learns():
    # The release this replaces had gradient zero: nothing moved.
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), QCFSActivation(4, 2.0), nn.Linear(16, 1))
    x = torch.rand(128, 2)
    y = x[:, :1] * x[:, 1:]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = []
    for _ in range(200):
        model.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        losses.append(float(loss.detach()))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.2 * parameter.grad
    assert losses[-1] < losses[0] / 4
    assert all(not torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_theta_can_be_kept():
    activation = QCFSActivation(4, 2.0, learn_theta=False)
    assert list(activation.parameters()) == [] and "theta" in activation.state_dict()
    x = torch.ones(3, requires_grad=True)
    activation(x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    assert "learn_theta=False" in repr(activation)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((0, 1.0), "qcfs.steps"), ((4.0, 1.0), "qcfs.steps"), ((4, 0.0), "qcfs.theta"), ((4, float("nan")), "qcfs.theta")],
)
def test_arguments(arguments, code):
    with pytest.raises(RejectedError) as caught:
        QCFSActivation(*arguments)
    assert caught.value.code == code


def test_a_theta_that_training_ruined_is_noticed():
    activation = QCFSActivation(4, 1.0)
    activation.theta.data.fill_(-0.1)
    with pytest.raises(RejectedError, match=r"qcfs\.theta"):
        activation(torch.ones(1))


class Twice(nn.Module):
    """One ReLU that is registered under two names, and one inside of a block."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.relu = nn.ReLU()
        self.again = self.relu
        self.block = nn.Sequential(nn.Linear(3, 2), nn.ReLU())

    def forward(self, x):
        return self.block(self.again(self.second(self.relu(self.first(x)))))


def test_each_relu_gets_an_activation_of_its_own():
    model = Twice().double().train()
    model.block.eval()
    assert replace_relu_with_qcfs(model, 5, 1.5, learn_theta=False) is model
    found = [model.relu, model.again, model.block[1]]
    assert all(type(part) is QCFSActivation and part.T == 5 and float(part.theta) == 1.5 for part in found)
    assert len({id(part) for part in found}) == 3
    assert all(part.theta.dtype == torch.float64 for part in found)
    assert [part.training for part in found] == [True, True, False]


class Functional(Twice):
    def forward(self, x):
        return F.relu(super().forward(x))


class Method(Twice):
    def forward(self, x):
        return super().forward(x).relu()


class Changing(Twice):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Functional(), "relu .*called as a function.*nn.ReLU"),
        (Method(), "relu .*called as a function.*nn.ReLU"),
        (Changing(), "cannot be traced"),
        (nn.Sequential(nn.Linear(2, 2)), "no ReLU module"),
    ],
)
def test_what_cannot_be_replaced_changes_nothing(model, says):
    before = dict(model.named_modules(remove_duplicate=False))
    with pytest.raises(ConversionError, match=says):
        replace_relu_with_qcfs(model)
    assert dict(model.named_modules(remove_duplicate=False)) == before
