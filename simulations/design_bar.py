"""The progress of plans that are designed before a run, one bar for each."""

from rich.progress import Progress, TaskID


class DesignBar:
    """Call it with a scenario's name and the share of its plan that is designed."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def __call__(self, scenario: str, done: float) -> None:
        if scenario not in self._bars:
            text = f"{scenario}, designing its optimised plan"
            self._bars[scenario] = self._progress.add_task(text, total=1.0)
        self._progress.update(self._bars[scenario], completed=done)
