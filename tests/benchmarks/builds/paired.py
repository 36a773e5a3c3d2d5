"""What the rounds of two builds come to: ratios by round, their spread, and what can be said. Pure."""
import math
import statistics

WITHIN, SLOWER, FASTER, MORE, LESS, UNCLEAR = (
    "within {:g} %", "slower", "faster", "more", "less", "spread too wide to tell")
SURE = 0.9  # how likely the true median lies within the spread that is shown
LEAST_ROUNDS = 5  # of fewer, even the least and the greatest ratio are not that likely to have it between them


def median_spread(ratios):
    """(low, high, is_sure): between them lies the median of endlessly many rounds, with SURE probability. By order
    statistics, which ask nothing of how the ratios are distributed; fewer than five rounds are never sure."""
    ratios, count = sorted(ratios), len(ratios)

    def chance_outside(dropped):  # that it lies outside of what is left when so many are dropped on either side
        return 2 * sum(math.comb(count, below) for below in range(dropped + 1)) / 2**count

    dropped = 0
    while 2 * (dropped + 1) < count and chance_outside(dropped + 1) <= 1 - SURE:
        dropped += 1
    return ratios[dropped], ratios[count - 1 - dropped], chance_outside(dropped) <= 1 - SURE


def gains(figure, ratios):
    """Above 1 where NEW is better, whichever way the figure is meant."""
    return [ratio if figure.more_is_better else 1 / ratio for ratio in ratios]


def is_loss(figure, ratios, percent):
    """Worse by more than `percent`, and not by chance: the whole spread lies on the losing side."""
    of_gains = gains(figure, ratios)
    _, high, sure = median_spread(of_gains)
    return sure and statistics.median(of_gains) < 1 - percent / 100 and high < 1


def is_gain(figure, ratios, percent):
    of_gains = gains(figure, ratios)
    low, _, sure = median_spread(of_gains)
    return sure and statistics.median(of_gains) > 1 + percent / 100 and low > 1


def verdict(figure, ratios, percent):
    """What NEW is beside OLD, by the ratios NEW/OLD of each round."""
    if is_loss(figure, ratios, percent):
        return SLOWER if figure.of_speed else MORE
    if is_gain(figure, ratios, percent):
        return FASTER if figure.of_speed else LESS
    low, high, sure = median_spread(gains(figure, ratios))
    if sure and low >= 1 - percent / 100 and high <= 1 + percent / 100:
        return WITHIN.format(percent)
    return UNCLEAR


def orders(rounds):
    """Who goes first in each round: what comes with being second is on neither side."""
    return [(0, 1) if turn % 2 == 0 else (1, 0) for turn in range(rounds)]


def turns(order, halves):
    """Whose turn it is at a figure. In two halves, ABBA: a machine that gets slower steadily does so for both alike."""
    first, second = order
    return (first, second, second, first) if halves else (first, second)
