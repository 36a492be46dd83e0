"""What a watchdog can do to each make of cabinet, on a connection of its own."""

from citybrain.config import Settings, Signal
from citybrain.errors import CityBrainError
from edge.drivers.cabinets import open_cabinet
from edge.drivers.ntcip1202 import NtcipCabinet
from edge.drivers.relay import RelayCard
from edge.watchdog import Fallback


def open_fallback(settings: Settings, intersection: str) -> Fallback:
    """The way of `intersection`; raises ConfigError as `open_cabinet`."""
    signal = settings.signals.get(intersection, Signal())
    cabinet = open_cabinet(settings, intersection)
    if isinstance(cabinet, NtcipCabinet):
        return NtcipFallback(cabinet, is_flash=signal.fallback == "flash")
    return RelayFallback(signal.address) if signal.driver == "relay" else OwnFallback()


class OwnFallback:
    """A cabinet that falls back by itself, as those of the simulated street do."""

    def fall_back(self) -> str:
        return "the cabinet falls back by itself"

    def restore(self) -> None:
        """It hears its agent again."""


class NtcipFallback:
    """Takes back all orders, or calls for flash by pattern; the controller does the rest."""

    def __init__(self, cabinet: NtcipCabinet, *, is_flash: bool) -> None:
        self._cabinet = cabinet
        self._is_flash = is_flash

    def fall_back(self) -> str:
        try:
            if self._is_flash:
                self._cabinet.flash()
                return "the controller is asked to flash"
            self._cabinet.let_go()
        except CityBrainError:
            self._cabinet.close()
            raise
        return "all orders are taken back: the controller's own plan"

    def restore(self) -> None:
        if self._is_flash:
            self._cabinet.let_go()
        self._cabinet.close()


class RelayFallback:
    """Tells the card to flash; it stays so until an agent greets it anew."""

    def __init__(self, address: str) -> None:
        self._card = RelayCard(address)

    def fall_back(self) -> str:
        try:
            self._card.open()
            self._card.ask("F")
        finally:
            self._card.close()
        return "the relay card flashes"

    def restore(self) -> None:
        """The agent has greeted the card itself."""
