"""Metrics for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from flows.serving.shelf import Place, Shelf

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 256, 1024, 10_000)


class Numbers:
    """Metrics of one server; labels only have the names of served models."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter(
            "gatewise_requests",
            "Requests by their status.",
            ["model", "route", "status"],
            registry=r,
        )
        self.seconds = Histogram(
            "gatewise_request_seconds",
            "Time from a request to its answer.",
            ["model", "route"],
            buckets=SECONDS,
            registry=r,
        )
        self.batches = Histogram(
            "gatewise_batch_rows", "Rows answered together.", ["model"], buckets=ROWS, registry=r
        )
        self.switches = Counter(
            "gatewise_switches",
            "Versions that took over, or could not.",
            ["model", "done"],
            registry=r,
        )
        self.pieces = Counter(
            "gatewise_stream_pieces", "Pieces of text that were written.", ["model"], registry=r
        )
        self.waiting = Gauge("gatewise_waiting", "Requests that wait.", ["model"], registry=r)
        self.served = Gauge(
            "gatewise_model",
            "1 for each version that answers.",
            ["model", "version", "digest", "cell"],
            registry=r,
        )

    def switch(self, place: Place, done: bool) -> None:
        """Count a version that took over, or could not."""
        self.switches.labels(place.asked.key, "yes" if done else "no").inc()

    def text(self, shelf: Shelf) -> bytes:
        """All metrics in Prometheus's text format."""
        self.served.clear()
        for key, place in shelf.places.items():
            if place.desk is not None:
                told = place.desk.version
                self.served.labels(key, told.number, told.digest, told.cell).set(1)
                self.waiting.labels(key).set(place.desk.waiting)
        return generate_latest(self.registry)
