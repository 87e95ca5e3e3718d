"""How the generator says no."""


class Refusal(Exception):
    """Something in a document that the generator does not know or that contradicts itself."""

    def __init__(self, where, message):
        super().__init__(f"{where}: {message}")


def known_keys(node, where, *allowed):
    """Refuses a mapping with any other key."""
    if not isinstance(node, dict):
        raise Refusal(where, f"must be a mapping, not {type(node).__name__}")
    for key in node:
        if key not in allowed:
            raise Refusal(where, f"'{key}' is not supported here (supported: {', '.join(sorted(allowed))})")
