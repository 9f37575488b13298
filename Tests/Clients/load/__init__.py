"""Kafka clients that go on: producers of numbered records, consumers of assigned partitions.

They tell a ledger what they are told: `acknowledge`, `receive`, `problem`; it makes their records
by `value(producer, number)`.
"""
from .consumers import CONSUMERS
from .producers import ProducerKind

__all__ = ["CONSUMERS", "ProducerKind", "quiet"]


def quiet():
    """Nothing from the clients' own logs: what they say of a broker that is away is expected."""
    import logging

    for name in ("kafka", "aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
