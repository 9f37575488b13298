"""The rule of Bench/README.md by scipy and statsmodels: ratios, t intervals, Holm's correction, verdicts."""
import math

import numpy
from scipy import stats
from statsmodels.stats.multitest import multipletests

ALPHA = 0.05
PAIRS_MIN = 5
MORE_IS_BETTER = {
    "mb_per_s", "durable_mb_per_s", "achieved_records_per_s", "catch_up_mb_per_s",
    "sustainable_records_per_s",
}


def margin_of(metric):
    """Ratios within this share of 1 are equivalent."""
    return 0.1 if metric == "seconds" or metric.endswith("_us") else 0.05


class Estimate:
    """The t tests of log-ratios; the sign test where nothing scatters."""

    def __init__(self, logs):
        self.logs = numpy.array(logs)
        self.count = len(logs)
        self.mean = float(numpy.mean(self.logs))
        spread = max(logs) - min(logs)
        self.is_constant = spread <= 4 * numpy.spacing(max(1.0, *map(abs, logs)))

    def p_difference(self):
        if self.is_constant:
            return 1.0 if abs(self.mean) < 1e-14 else min(1.0, 2 * 0.5**self.count)
        return float(stats.ttest_1samp(self.logs, 0).pvalue)

    def p_above(self, limit):
        return self._one_sided(math.log(limit), "greater")

    def p_below(self, limit):
        return self._one_sided(math.log(limit), "less")

    def _one_sided(self, limit, side):
        if self.is_constant:
            distance = self.mean - limit if side == "greater" else limit - self.mean
            return 0.5**self.count if distance > 1e-14 else 1.0
        return float(stats.ttest_1samp(self.logs, limit, alternative=side).pvalue)

    def p_equivalence(self, margin):
        return max(self.p_above(1 / (1 + margin)), self.p_below(1 + margin))

    def interval(self, level):
        if self.is_constant:
            return math.exp(self.mean), math.exp(self.mean)
        low, high = stats.ttest_1samp(self.logs, 0).confidence_interval(level)
        return math.exp(low), math.exp(high)


def holm(p):
    """Adjusted p-values and the level that each is held against."""
    if not p:
        return [], []
    _, adjusted, _, _ = multipletests(p, alpha=ALPHA, method="holm")
    order = numpy.argsort(p, kind="stable")
    levels = [0.0] * len(p)
    level, is_stopped = ALPHA, False
    for rank, index in enumerate(order):
        if not is_stopped:
            level = ALPHA / (len(p) - rank)
        is_stopped = is_stopped or adjusted[index] > ALPHA
        levels[index] = level
    return list(map(float, adjusted)), levels


def decide(estimates, asked, more_is_better):
    """For each: verdict, level, p, adjusted p, p of equivalence, adjusted."""
    kind, _, limit = asked.rpartition(" ")
    limit = float(limit)
    decisions = []
    if kind == "difference":
        p = [each.p_difference() for each in estimates]
        q = [each.p_equivalence(limit) for each in estimates]
        (p_adjusted, p_levels), (q_adjusted, q_levels) = holm(p), holm(q)
        for index, each in enumerate(estimates):
            level = 1 - p_levels[index]
            if q_adjusted[index] <= ALPHA:
                verdict, level = "equivalent", 1 - 2 * q_levels[index]
            elif p_adjusted[index] <= ALPHA:
                verdict = "better" if (each.mean > 0) == more_is_better else "worse"
            else:
                verdict = "undecided"
            decisions.append(
                (verdict, level, p[index], p_adjusted[index], q[index], q_adjusted[index]))
        return decisions
    kept = [each.p_below(limit) if kind == "at most" else each.p_above(limit) for each in estimates]
    lost = [each.p_above(limit) if kind == "at most" else each.p_below(limit) for each in estimates]
    (kept_adjusted, kept_levels), (lost_adjusted, lost_levels) = holm(kept), holm(lost)
    for index in range(len(estimates)):
        level = 1 - 2 * min(kept_levels[index], lost_levels[index])
        if kept_adjusted[index] <= ALPHA:
            verdict, level = "holds", 1 - 2 * kept_levels[index]
        elif lost_adjusted[index] <= ALPHA:
            verdict, level = "fails", 1 - 2 * lost_levels[index]
        else:
            verdict = "undecided"
        p, adjusted = (
            (kept[index], kept_adjusted[index]) if kept[index] <= lost[index]
            else (lost[index], lost_adjusted[index]))
        decisions.append((verdict, level, p, adjusted, None, None))
    return decisions


def judged(families_pairs, metric):
    """For each list of (value, reference): a ratio, its interval and verdict in words. All lists are one
    family."""
    logs = [[math.log(a / b) for a, b in pairs if a > 0 and b > 0] for pairs in families_pairs]
    tested = [index for index, each in enumerate(logs) if len(each) >= PAIRS_MIN]
    estimates = [Estimate(logs[index]) for index in tested]
    decisions = decide(
        estimates, f"difference {margin_of(metric)}", metric in MORE_IS_BETTER)
    texts = [f"undecided, {len(each)} pairs are too few" for each in logs]
    for index, estimate, decision in zip(tested, estimates, decisions):
        verdict, level, p, adjusted, *_ = decision
        low, high = estimate.interval(level)
        texts[index] = (
            f"{math.exp(estimate.mean):.2f}x [{low:.2f}, {high:.2f}] {verdict} "
            f"({100 * level:.4g} % interval, p {p:.2g}, adjusted {adjusted:.2g}, {len(logs[index])} pairs)")
    return texts
