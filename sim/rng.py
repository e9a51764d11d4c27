"""Event-keyed randomness: each draw is a pure function of (seed, agent key, decision, purpose, index).

No stream is shared, so an extra order of one agent moves nobody else's draws, and two worlds can be compared draw by
draw. The generator is the splitmix64 finaliser over a Weyl sequence (Steele, Lea, Flood 2014). `log` and `exp` are
written in + - x / only, since library versions differ between platforms in the last bit and a tape must not.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

from llvmlite import ir
from numba import float64, int64, uint64
from numba import types as nb_types
from numba.extending import intrinsic

from lob.compiled import Record, kernel, leaf

__all__ = [
    "agent_key",
    "draw_key",
    "exp_portable",
    "expm1_portable",
    "exponential",
    "log1p_portable",
    "log_portable",
    "mix",
    "normal",
    "normal_quantile",
    "raw_uniform",
    "time_weighted_by_decay",
    "uniform",
]

GOLDEN = uint64(0x9E3779B97F4A7C15)
_MIX1 = uint64(0xBF58476D1CE4E5B9)
_MIX2 = uint64(0x94D049BB133111EB)
TWO_POW_MINUS_52 = 2.0**-52


def agent_key(seed: int, population: str, index: int) -> int:
    """Return the 64-bit key of an agent: a hash of the seed, its population's name and its index within it.

    Never of a global index: adding a population must not move another one's draws.
    """
    text = f"{seed}/{population}/{index}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


@leaf
def mix(word: int) -> int:
    """splitmix64 finaliser: a bijection of 64-bit words that passes statistical tests on counters."""
    z = uint64(word)
    z = (z ^ (z >> uint64(30))) * _MIX1
    z = (z ^ (z >> uint64(27))) * _MIX2
    return z ^ (z >> uint64(31))


@leaf
def draw_key(key: int, decision: int, stream: int) -> int:
    """Key of one decision: `stream` keeps timer decisions (0) apart from triggered ones (1) and set-up draws (2)."""
    return mix(uint64(key) ^ mix(uint64(decision) * uint64(4) + uint64(stream) + GOLDEN))


@leaf
def raw_uniform(key: int, index: int) -> float:
    """Draw number `index` of a key: uniform on the open interval (0, 1), 52 bits.

    With 53 bits the added half would be rounded away above 1/2, and the largest draw would be 1.
    """
    word = mix(uint64(key) + uint64(index + 1) * GOLDEN)
    return (float64(word >> uint64(12)) + 0.5) * TWO_POW_MINUS_52


@leaf
def uniform(agent: Record, index: int) -> float:
    """Uniform draw on (0, 1) for this decision of this agent; `index` names the purpose within the decision."""
    return raw_uniform(agent.draw_key, int64(index))


@leaf
def exponential(agent: Record, index: int, mean: float) -> float:
    """Exponential draw with the given mean."""
    return -mean * log_portable(raw_uniform(agent.draw_key, int64(index)))


@leaf
def normal(agent: Record, index: int) -> float:
    """Standard normal draw, by inversion: monotone in its uniform, as common random numbers want it."""
    return normal_quantile(raw_uniform(agent.draw_key, int64(index)))


@intrinsic
def _bits_of(typingctx: Any, value: Any) -> Any:
    """The 64 bits of a float64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return nb_types.uint64(nb_types.float64), codegen


@intrinsic
def _float_of(typingctx: Any, bits: Any) -> Any:
    """The float64 with these 64 bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return nb_types.float64(nb_types.uint64), codegen


_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_SQRT2 = 1.4142135623730951


@kernel
def log_portable(x: float) -> float:
    """Natural logarithm of a positive normal float, by log m = 2 artanh((m - 1) / (m + 1)); error below 2 ulp."""
    bits = _bits_of(float64(x))
    exponent = int64(bits >> uint64(52)) - 1023
    mantissa = _float_of((bits & uint64(0xFFFFFFFFFFFFF)) | uint64(0x3FF0000000000000))
    if mantissa > _SQRT2:
        mantissa *= 0.5
        exponent += 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    tail = 1.0 / 23.0
    for n in (21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        tail = tail * z + 1.0 / n
    return exponent * _LN2_HIGH + (2.0 * s + (2.0 * s * z * tail + exponent * _LN2_LOW))


@kernel
def exp_portable(x: float) -> float:
    """Exponential function by range reduction and a Taylor polynomial; 0 below -700, capped at 700."""
    if x < -700.0:
        return 0.0
    x = min(x, 700.0)
    shifted = x * 1.4426950408889634
    n = int64(shifted + 0.5) if shifted >= 0.0 else -int64(0.5 - shifted)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    term = 1.0
    for k in range(16, 0, -1):
        term = 1.0 + term * r / k
    return term * _float_of(uint64(n + 1023) << uint64(52))


@kernel
def log1p_portable(x: float) -> float:
    """log(1 + x) that keeps its digits near 0, where 1 + x has lost those of x; error below 4 ulp."""
    if abs(x) >= 0.25:
        return log_portable(1.0 + x)
    # Here s is below 1/7, and the terms left out are below the last bit.
    s = x / (2.0 + x)
    z = s * s
    tail = 1.0 / 23.0
    for n in (21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        tail = tail * z + 1.0 / n
    return 2.0 * s + 2.0 * s * z * tail


@kernel
def expm1_portable(x: float) -> float:
    """exp(x) - 1 that keeps its digits near 0; -1 below -700, capped at 700."""
    if abs(x) >= 0.35:
        return exp_portable(x) - 1.0
    term = 1.0
    for k in range(16, 1, -1):
        term = 1.0 + term * x / k
    return x * term


@kernel
def time_weighted_by_decay(rate_per_s: float, elapsed_s: float) -> float:
    """Integral of exp(-rate t) over the elapsed time: (1 - exp(-rate elapsed)) / rate, and elapsed at rate 0.

    With twice the speed of mean reversion as its rate this is the variance, for sigma 1, that an Ornstein-Uhlenbeck
    process gains in that time. As it stands there 1 - exp(-x) would be 0 for x below 1e-16, and the variance with it.
    """
    x = rate_per_s * elapsed_s
    return elapsed_s if x < 1e-17 else elapsed_s * (-expm1_portable(-x) / x)


@kernel
def normal_quantile(p: float) -> float:
    """Inverse of the standard normal distribution function: algorithm AS 241 (Wichura 1988), PPND16."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = (((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r
                    + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r
                  + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
                + 1.3314166789178437745e2) * r + 3.3871328727963666080e0)  # fmt: skip
        bottom = (((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r
                       + 3.9307895800092710610e4) * r + 2.1213794301586595867e4) * r
                     + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
                   + 4.2313330701600911252e1) * r + 1.0)  # fmt: skip
        return q * top / bottom
    r = p if q < 0.0 else 1.0 - p
    r = math.sqrt(-log_portable(r))
    if r <= 5.0:
        r -= 1.6
        top = (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r
                    + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0) * r
                  + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
                + 4.63033784615654529590e0) * r + 1.42343711074968357734e0)  # fmt: skip
        bottom = (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r
                       + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r
                     + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
                   + 2.05319162663775882187e0) * r + 1.0)  # fmt: skip
    else:
        r -= 5.0
        top = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                    + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2) * r
                  + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
                + 5.46378491116411436990e0) * r + 6.65790464350110377720e0)  # fmt: skip
        bottom = (((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r
                       + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r
                     + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
                   + 5.99832206555887937690e-1) * r + 1.0)  # fmt: skip
    return -top / bottom if q < 0.0 else top / bottom
