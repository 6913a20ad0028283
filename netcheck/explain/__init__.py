"""The pages of `netcheck explain` and of the manual, made from the catalogue and the probes. Pure text."""
