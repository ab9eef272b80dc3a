"""A module of `torch.nn` or the layer with a copy of its weights: the two sides of every case."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rnn_core.layers.conversion import from_torch, to_torch
from rnn_core.layers.recurrent import Recurrent

KINDS = {
    "rnn": (nn.RNN, {}, "rnn_tanh"),
    "relu": (nn.RNN, {"nonlinearity": "relu"}, "rnn_relu"),
    "gru": (nn.GRU, {}, "gru_reset_after"),
    "lstm": (nn.LSTM, {}, "lstm"),
}
"""By kind: the class of `torch.nn`, its further arguments, and the name of our cell."""


@dataclass(frozen=True)
class Side:
    """Side of a case: a module and its calls.

    Attributes:
        kind: One of `KINDS`.
        ours: Whether layers are ours, or else those of `torch.nn`.
    """

    kind: str
    ours: bool

    @property
    def recipe(self):
        """The class, and its arguments before and besides those of a case."""
        kind, besides, cell = KINDS[self.kind]
        return (Recurrent, (cell,), {}) if self.ours else (kind, (), besides)

    def new(self, *arguments, **options):
        """A layer as it starts."""
        kind, before, besides = self.recipe
        return kind(*before, *arguments, **besides, **options)

    def make(self, *arguments, **options):
        """A layer; its weights, and the random numbers drawn after, are those of the other side."""
        layer = self.new(*arguments, **options)
        torch.manual_seed(1)
        if self.ours and all(not p.is_meta for p in layer.parameters()):
            theirs = Side(self.kind, ours=False).new(*arguments, **options)
            layer.load_state_dict(from_torch(theirs).state_dict())
        elif not self.ours:
            layer.reset_parameters()
        torch.manual_seed(2)
        return layer

    def slot(self, layer, name):
        """Where a weight lies that `torch.nn` calls by this name: a module and the name there."""
        if name in dict(layer.named_parameters(recurse=False)) or not self.ours:
            return layer, name
        _, _, place, *reverse = name.split("_")
        index = int(place[1:]) * len(layer.reversals) + bool(reverse)
        return layer.directions[index], "input_weight"

    def state(self, *shape, proj_size=0):
        """A random initial state; an LSTM's h has `proj_size` units if that is not 0."""
        if self.kind != "lstm":
            return torch.randn(shape)
        return torch.randn(*shape[:-1], proj_size or shape[-1]), torch.randn(shape)

    def passed(self, layer, x, hx=None):
        """Outputs, final state, and the gradients of a loss in which all of these take part."""
        inputs = leaves(x, hx)
        x, hx = inputs
        outputs, state = layer(x) if hx is None else layer(x, hx)
        parts = list(tensors((outputs, state)))
        sum(((1 + n) * part.sin()).sum() for n, part in enumerate(parts)).backward()
        return outputs, state, [part.grad for part in tensors(inputs)], self.gradients(layer)

    def gradients(self, layer):
        """The gradients of the weights, as `torch.nn` stacks them.

        Of its two biases, which have the same gradient, one is returned, except for the n of the
        GRU: there the recurrent bias is one of its own.
        """
        if self.ours:
            return gradients_of_ours(layer)
        found = {name: p.grad for name, p in layer.named_parameters()}
        return without_second_bias(found, layer)


def gradients_of_ours(layer):
    """Gradients of our layer in torch's layout, by `to_torch` of a layer that holds them."""
    of_gradients = copy.deepcopy(layer)
    with torch.no_grad():
        for target, source in zip(of_gradients.parameters(), layer.parameters(), strict=True):
            target.copy_(torch.zeros_like(target) if source.grad is None else source.grad)
    module = to_torch(of_gradients)
    return without_second_bias(dict(module.named_parameters()), module)


def without_second_bias(found, module):
    """Gradients by name, of the recurrent bias only what is not the other bias again."""
    size, kept = module.hidden_size, {}
    for name, gradient in found.items():
        if not name.startswith("bias_hh"):
            kept[name] = gradient.detach().clone()
        elif module.mode == "GRU":
            kept[name] = gradient.detach()[2 * size :].clone()
    return kept


def tensors(nest):
    """The tensors in tuples and packed sequences, in their order."""
    if isinstance(nest, Tensor):
        yield nest
    elif isinstance(nest, PackedSequence):
        yield nest.data
    elif isinstance(nest, list | tuple):
        for part in nest:
            yield from tensors(part)


def leaves(*nests):
    """Copies that keep gradients; the memory layout stays as it was."""
    return tuple(leaf(nest) for nest in nests)


def leaf(nest):
    if isinstance(nest, PackedSequence):
        return nest._replace(data=nest.data.detach().clone().requires_grad_())
    if isinstance(nest, Tensor):
        return nest.detach().requires_grad_()
    return nest if nest is None else tuple(leaf(part) for part in nest)


def agree(ours, theirs):
    """Assert that two results are the same numbers of the same types and shapes."""
    if isinstance(theirs, PackedSequence):
        assert isinstance(ours, PackedSequence)
        ours, theirs = tuple(ours), tuple(theirs)
    if isinstance(theirs, Tensor):
        tolerance = {torch.float64: 1e-11, torch.float32: 1e-5}.get(theirs.dtype, 2e-2)
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)
    elif isinstance(theirs, dict):
        assert set(ours) == set(theirs)
        for name, part in theirs.items():
            agree(ours[name], part)
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            agree(one, other)
    else:
        assert ours == theirs
