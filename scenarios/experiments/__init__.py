"""Experiments in paired worlds: market impact with intervals, sweeps over parameters, attribution to populations."""
