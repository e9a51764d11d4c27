"""The measurements: each file has `measure(quick) -> rows` and may draw a picture."""
