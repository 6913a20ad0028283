"""Judgement: what an outcome means, who acts, and the catalogue of causes."""
