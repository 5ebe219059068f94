"""Whether a command has read the configuration that is served: one that changes the book by it must have."""

from pathlib import Path

from proxy.config.model import Config


class OtherConfiguration(Exception):
    """The command has read another configuration than the one that is served."""


def same_configuration(config: Config, source: str | None) -> None:
    """`config` is served; `source` is the file that a command has read, None for none.

    Raises:
        OtherConfiguration: they differ.
    """
    if config.sandbox:
        raise OtherConfiguration("what is served is the demo, whose configuration is its own")
    served, told = _path(config.source), _path(source)
    if served != told:
        raise OtherConfiguration(
            f"what is served was started with {served or 'no configuration file'}, and this command has read "
            f"{told or 'none'}: name the same one with --config"
        )


def _path(told: Path | str | None) -> str | None:
    return None if told is None else str(Path(told).resolve())
