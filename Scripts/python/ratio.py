"""A ratio of two things measured alternately: its median, and a bootstrap 95 % interval over the pairs."""
import random
import statistics


def of_pairs(pairs, seed=1, draws=10_000):
    """`pairs` of (value, reference). The ratio of medians, and the interval of it when the pairs are drawn anew."""
    def ratio(chosen):
        return statistics.median(a for a, _ in chosen) / statistics.median(b for _, b in chosen)

    source = random.Random(seed)
    drawn = sorted(ratio(source.choices(pairs, k=len(pairs))) for _ in range(draws))
    return ratio(pairs), drawn[int(0.025 * draws)], drawn[int(0.975 * draws) - 1]


def text(ratio):
    return "{:.2f}x [{:.2f}, {:.2f}]".format(*ratio)
