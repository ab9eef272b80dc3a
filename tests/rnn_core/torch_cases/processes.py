"""Layers in several processes; run as a script, which writes both sides' results to a folder.

python processes.py FOLDER
"""

import sys
from datetime import timedelta
from pathlib import Path

import torch
from sides import Side
from torch import distributed, multiprocessing
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils.rnn import pack_padded_sequence

KINDS = ("rnn", "gru", "lstm")
SIDES = {"ours": True, "theirs": False}


def data(rank):
    """Data of a process, which differ from process to process."""
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(rank))
    return pack_padded_sequence(x, [5, 3])


def averaged(rank, folder):
    """Gradients averaged over two processes, which read packed sequences."""
    store = distributed.FileStore(f"{folder}/store", 2)
    distributed.init_process_group(
        "gloo", store=store, rank=rank, world_size=2, timeout=timedelta(seconds=60)
    )
    for name, ours in SIDES.items():
        found = []
        for kind in KINDS:
            side = Side(kind, ours)
            layer = side.make(3, 4, 2, bidirectional=True)
            alone = gradients(side, layer, layer, data(rank))
            model = DistributedDataParallel(layer)
            found.append((alone, gradients(side, layer, model, data(rank))))
        torch.save(found, f"{folder}/averaged-{rank}-{name}")
    distributed.destroy_process_group()


def gradients(side, layer, model, x):
    """Gradients of the layer in a model, which reads packed sequences."""
    layer.zero_grad()
    outputs, _ = model(x)
    outputs.data.sin().sum().backward()
    return side.gradients(layer)


def called(layer, x):
    """Output of a layer in this process."""
    with torch.no_grad():
        return layer(x)


def trained(layer, x):
    """A step of an optimiser on weights that another process reads."""
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(x)[0].square().sum().backward()
    optimiser.step()


def elsewhere(pool, layer, x):
    """Results of a layer in a process of its own, and here after it was trained there."""
    answered = pool.apply(called, (layer, x))
    pool.apply(trained, (layer, x))
    return answered, pool.apply(called, (layer, x)), called(layer, x)


def shared(method, folder):
    """Layers that were used here before another process was begun."""
    found = {}
    for name, ours in SIDES.items():
        layers = [Side(kind, ours).make(3, 4, bias=False).share_memory() for kind in KINDS]
        found[name] = [(layer, torch.randn(5, 2, 3)) for layer in layers]
    before = {name: [called(*pair) for pair in pairs] for name, pairs in found.items()}
    with multiprocessing.get_context(method).Pool(1) as pool:
        for name, pairs in found.items():
            after = [elsewhere(pool, *pair) for pair in pairs]
            torch.save(list(zip(before[name], after, strict=True)), f"{folder}/{method}-{name}")


def main(folder):
    torch.set_num_threads(1)
    multiprocessing.spawn(averaged, (folder,), nprocs=2)
    for method in ("fork", "spawn"):
        shared(method, folder)


torch.set_default_dtype(torch.float64)

if __name__ == "__main__":
    main(Path(sys.argv[1]))
