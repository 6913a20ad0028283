"""The network as a few verbs: `base` names them, `real` speaks through sockets, `scripted` is a fake."""
