"""What went wrong, in the one line that the user sees."""


class Problem(Exception):
    """A mistake in the input or the surroundings; its text names the file, and the row."""
