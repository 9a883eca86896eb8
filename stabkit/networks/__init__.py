"""Networks: graphs of layers, as schemes, with bounds of what they do, cut into blocks."""

from stabkit.networks.graph import Graph, Node, evaluate
from stabkit.networks.network import Network

__all__ = ["Graph", "Network", "Node", "evaluate"]
