"""A judge of simulated order flow that is hard to fool: windows told apart, what gave them away, proxy metaorders."""

from scenarios.realism.judge.judgement import Judgement, judge
from scenarios.realism.judge.proxies import ProxyImpact, proxy_impact

__all__ = ["Judgement", "ProxyImpact", "judge", "proxy_impact"]
