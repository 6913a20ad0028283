"""What happened on the wire: one module a protocol, no knowledge of inventories or screens."""
