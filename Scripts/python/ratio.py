"""A ratio of two things measured alternately: the median of the pairs' ratios, and its 95 % interval, as the
suites' own statistics make it (Sources/LoadGenerator/Statistics)."""
import math
import random
import statistics

DRAWS = 10_000


def of_pairs(pairs, seed=1):
    """`pairs` of (value, reference)."""
    ratios = sorted(a / b for a, b in pairs)
    source = random.Random(seed)
    drawn = sorted(statistics.median(source.choices(ratios, k=len(ratios))) for _ in range(DRAWS))
    outer = _outer_place(len(ratios))
    low = min(drawn[DRAWS * 25 // 1000], ratios[outer])
    high = max(drawn[DRAWS - 1 - DRAWS * 25 // 1000], ratios[-1 - outer])
    return statistics.median(ratios), low, high


def _outer_place(count):
    """The bootstrap alone is too narrow for few pairs: it is widened to the sign test's order statistics."""
    tail, place = 0.5 ** count, 0
    while place < count // 2:
        tail += math.comb(count, place + 1) * 0.5 ** count
        if tail > 0.03125:
            break
        place += 1
    return place


def text(ratio):
    return "{:.2f}x [{:.2f}, {:.2f}]".format(*ratio)
