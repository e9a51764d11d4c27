"""A judge of simulated order flow that is hard to fool: windows told apart, what gave them away, proxy metaorders."""

from scenarios.realism.judge.judgement import Judgement, judge

__all__ = ["Judgement", "judge"]
