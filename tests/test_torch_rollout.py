"""Long times piece by piece, with and without checkpoints; BPTT; recorded spikes."""

from __future__ import annotations

import itertools

import pytest
import torch
from spikeparity.torch import (
    IF,
    LI,
    LIF,
    IFSqueeze,
    LIFSqueeze,
    SpikeRecorder,
    bptt,
    count_mse,
    get_states,
    reset_states,
    rollout,
)
from torch import nn
from torch.profiler import ProfilerActivity, profile

torch.set_num_threads(1)


def model(**options):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), LIF(4.0, threshold=0.2, **options), nn.Linear(8, 3), LI(5.0, **options))


def gradients(module, loss):
    module.zero_grad()
    loss.backward()
    return [parameter.grad.clone() for parameter in module.parameters()]


@pytest.mark.parametrize("time_first", [False, True])
def test_pieces_give_what_one_call_gives_and_so_do_checkpoints(time_first):
    net = model(time_first=time_first)
    x = torch.rand(7, 3, 6) if time_first else torch.rand(3, 7, 6)
    due = net(x)
    states, grads = get_states(net), gradients(net, due.square().sum())
    for options in ({}, {"steps": 3}, {"steps": 3, "checkpointed": True}, {"steps": 99, "checkpointed": True}):
        reset_states(net)
        out = rollout(net, x, **options)
        torch.testing.assert_close(out, due, rtol=1e-6, atol=1e-7)
        for name, state in get_states(net).items():
            torch.testing.assert_close(state, states[name], rtol=1e-6, atol=1e-7)
        for got, grad in zip(gradients(net, out.square().sum()), grads, strict=True):
            torch.testing.assert_close(got, grad, rtol=1e-5, atol=1e-6)


def test_checkpoints_with_states_from_before_and_drawn_ones():
    net, x = model(), torch.rand(3, 8, 6)
    whole = net(x)
    reset_states(net)
    first = rollout(net, x[:, :3])
    rest = rollout(net, x[:, 3:], steps=2, checkpointed=True)
    torch.testing.assert_close(torch.cat([first, rest], 1), whole)
    grads = []
    for checkpointed in (False, True):
        reset_states(net, randomize=True, generator=torch.Generator().manual_seed(4))
        grads.append(gradients(net, rollout(net, x, steps=2, checkpointed=checkpointed).square().sum()))
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other)


def test_checkpoints_save_memory():
    net = nn.Sequential(LIF(20.0, learn_threshold=True), IF(), nn.Linear(200, 1))
    x = torch.rand(16, 300, 200)
    peaks = []
    for checkpointed in (True, False):
        reset_states(net)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
            rollout(net, x, steps=17, checkpointed=checkpointed).sum().backward()
        peaks.append(peak(profiler) / x.nbytes)
    # Potentials and spikes of two layers over all steps, or over the 17 of a piece with what they need meanwhile.
    assert peaks[0] < 0.8 and peaks[1] > 4.0


def peak(profiler: profile) -> int:
    """Return the most bytes of tensors that were allocated at once."""
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(itertools.accumulate(changes))


def test_what_cannot_run_in_pieces_is_named():
    x = torch.rand(2, 4, 6)
    with pytest.raises(ValueError, match="got none"):
        rollout(nn.Linear(6, 6), x)
    with pytest.raises(ValueError, match="agree on the axis of time, got both"):
        rollout(nn.Sequential(IF(), IF(time_first=True)), x)
    with pytest.raises(ValueError, match="'0' is told num_timesteps: tell it batch_size"):
        rollout(nn.Sequential(IFSqueeze(num_timesteps=4)), x)
    with pytest.raises(ValueError, match="'1' would count everything twice"):
        rollout(nn.Sequential(IF(), nn.BatchNorm1d(4)), x, checkpointed=True)
    with pytest.raises(ValueError, match="steps: expected at least 1"):
        rollout(IF(), x, steps=0)


def test_bptt_time_first_whole_and_truncated():
    net, x = model(time_first=True), torch.rand(9, 3, 6)

    def loss(out):
        return out.square().mean()

    due = net(x)
    grads = gradients(net, loss(due))
    net.zero_grad()
    value, out = bptt(net, x, loss)
    assert torch.equal(out, due.detach()) and value.item() == pytest.approx(loss(due).item())
    for parameter, grad in zip(net.parameters(), grads, strict=True):
        torch.testing.assert_close(parameter.grad, grad)
    # Truncated: the same outputs, and the gradients of pieces that know nothing of those before.
    net.zero_grad()
    value, out = bptt(net, x, loss, truncate=4)
    torch.testing.assert_close(out, due.detach())
    torch.testing.assert_close(value, loss(due).detach())
    truncated = [parameter.grad.clone() for parameter in net.parameters()]
    reset_states(net)
    net.zero_grad()
    for piece in x.split(4):
        (loss(net(piece)) * len(piece) / 9).backward()
        for layer in (net[1], net[3]):
            layer.detach_state()
    for parameter, grad in zip(net.parameters(), truncated, strict=True):
        torch.testing.assert_close(parameter.grad, grad)
    assert not torch.allclose(truncated[0], grads[0])


def test_bptt_trains():
    net, x = model(), torch.rand(4, 10, 6)
    head = nn.Sequential(*net[:3], LIF(5.0))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        losses.append(bptt(head, x, lambda spikes: count_mse(spikes, 4.0))[0].item())
        optimizer.step()
    assert losses[-1] < 1.0 < 5.0 < losses[0]


def test_spikes_are_recorded_in_calls_steps_and_pieces():
    net, x = model(), torch.rand(3, 7, 6)
    net(x)
    with SpikeRecorder(net) as recorder:
        reset_states(net)
        out = net(x)
    net(x)  # not recorded any more
    hidden = recorder.spikes("1")
    assert hidden.shape == (3, 7, 8) and hidden.sum() > 0 and torch.equal(recorder.spikes("3"), out.detach())
    assert torch.equal(recorder.counts()["1"], hidden.sum(1)) and not hidden.requires_grad
    assert recorder.rates()["1"] == pytest.approx(hidden.mean().item())
    reset_states(net)
    with SpikeRecorder(net, detach=False) as again:
        out = rollout(net, x, steps=2, checkpointed=True)
        assert again.spikes("1").requires_grad
        out.sum().backward()
    assert again.spikes("1").shape == hidden.shape
    layer = net[1]
    layer.reset_states()
    with SpikeRecorder(layer) as single:
        for step in net[0](x).unbind(1):
            layer.step(step)
    torch.testing.assert_close(single.spikes(""), hidden)
    single.clear()
    with pytest.raises(ValueError, match="nothing has been recorded"):
        single.spikes("")


def test_squeezed_layers_are_recorded_with_time():
    layer, x = LIFSqueeze(3.0, batch_size=2), torch.rand(2, 5, 4)
    with SpikeRecorder(layer) as recorder:
        layer(x.flatten(0, 1))
        layer.step(x[:, 0])
    assert recorder.spikes("").shape == (2, 6, 4)
