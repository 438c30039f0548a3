"""The one client for OpenAI-compatible servers: retries, limits, budget, cache."""

from seestep.endpoint.ask import Ask, Picture
from seestep.endpoint.client import Endpoint, Reply
from seestep.endpoint.config import EndpointConfig

__all__ = ["Ask", "Endpoint", "EndpointConfig", "Picture", "Reply"]
