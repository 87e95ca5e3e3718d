"""The rules of the house, one module a subject; tools/house_rules.py runs them all."""
