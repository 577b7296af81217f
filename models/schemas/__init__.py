"""Records by a schema registry: what their bytes say, as the JSON text that the decoder reads.

A value begins with the magic byte 0 and the id of its writer's schema; the rest is Avro, Protobuf or JSON. It is turned
into the JSON text of the same record, so that one definition of a good record holds for every format.
"""
