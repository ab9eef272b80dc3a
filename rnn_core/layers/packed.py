"""Packed sequences, which PyTorch's own recurrent layers read, as a padded batch and back."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


@dataclass(frozen=True)
class Unpacked:
    """A padded batch that was packed, from the longest sequence to the shortest.

    Attributes:
        x: (T, B, I).
        lengths: Steps of each sequence, int64 (B,), on the CPU.
        packed: What it was before.
    """

    x: Tensor
    lengths: Tensor
    packed: PackedSequence

    def sorted(self, state: Tensor) -> Tensor:
        """A state (L * D, B, H) in the caller's order, in the order of this batch."""
        order = self.packed.sorted_indices
        return state if order is None else state.index_select(1, order)

    def unsorted(self, state: Tensor) -> Tensor:
        """A state in the order of this batch, in the caller's order."""
        order = self.packed.unsorted_indices
        return state if order is None else state.index_select(1, order)

    def pack(self, outputs: Tensor) -> PackedSequence:
        """Outputs (T, B, ...) of this batch, packed as its input was."""
        data = pack_padded_sequence(outputs, self.lengths).data
        return self.packed._replace(data=data)


def unpack(packed: PackedSequence) -> Unpacked:
    """The padded batch of a packed sequence."""
    in_order = packed._replace(sorted_indices=None, unsorted_indices=None)
    x, lengths = pad_packed_sequence(in_order)
    return Unpacked(x, lengths, packed)
