"""The plots and the page of one run."""
