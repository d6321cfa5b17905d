"""Workers that end with their screen or widget; otherwise they would look for widgets that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

from textual import worker as workers
from textual.app import App
from textual.dom import DOMNode
from textual.worker import Worker
from textual.worker_manager import WorkerManager


class EndingWorkers(WorkerManager):
    """Textual's worker manager, except that workers end before their screen or widget is taken apart, and none starts after that."""

    def __init__(self, app: App[Any]) -> None:
        super().__init__(app)
        self._going: WeakSet[DOMNode] = WeakSet()

    def let_go(self, nodes: Iterable[DOMNode]) -> None:
        """Cancel the workers of nodes that are about to be removed, except for the worker that removes them."""
        self._going.update(nodes)
        for worker in self:
            if worker is not workers.active_worker.get(None) and self._is_going(worker.node):
                worker.cancel()

    def add_worker(self, worker: Worker[Any], start: bool = True, exclusive: bool = True) -> None:
        super().add_worker(worker, start, exclusive)
        if self._is_going(worker.node):
            worker.cancel()

    def _is_going(self, node: DOMNode) -> bool:
        return any(each in self._going for each in node.ancestors_with_self)
