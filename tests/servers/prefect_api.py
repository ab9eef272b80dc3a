"""The API of Prefect's server, asked by tests."""

import time

import httpx


class Patient(httpx.HTTPTransport):
    """Asks again, as Prefect's own client does, while the server's database is locked."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        for _ in range(20):
            response = super().handle_request(request)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            response.close()
            time.sleep(0.5)
        return response


def prefect_api(url: str) -> httpx.Client:
    """A client for the API at an address."""
    return httpx.Client(base_url=url, timeout=30, transport=Patient())
