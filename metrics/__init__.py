"""The maths: arrays in, numbers out; no Kafka, no clock.

`binary` fills the vectors that `layout` lays out, `result` reads them; every
other module holds one idea that `result` puts together. Another task is a
sibling of `binary` with `prepare`, `add_predictions` and `add_outcomes` of its own.
"""
