"""Experiments on the path: the way hop by hop, who answers, what gets lost on it. Facts, no judgement."""
