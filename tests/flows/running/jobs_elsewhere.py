"""Work for a Dask worker's process in tests, which imports it by this name."""

import errno
import os
import time


def do(_function, _work):
    return []


def end_process(_function, _work):
    os._exit(3)


def meet_a_full_disk(_function, _work):
    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def go_on(_function, work):
    work.layout.folder.mkdir(parents=True)
    time.sleep(60)
