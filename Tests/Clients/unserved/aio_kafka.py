"""aiokafka, whatever version PYTHONPATH has."""
import asyncio

import outcome
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError


def consumer(address, *topics, **options):
    return AIOKafkaConsumer(
        *topics, bootstrap_servers=address, group_id="unserved", auto_offset_reset="earliest",
        auto_commit_interval_ms=200, **options)


async def read(reader):
    values = []
    for _ in outcome.until():
        for records in (await reader.getmany(timeout_ms=500)).values():
            values += [record.value for record in records]
        if len(values) == outcome.RECORDS:
            break
    outcome.check(values)


async def assign(address, topic):
    reader = consumer(address)
    await reader.start()
    try:
        reader.assign([TopicPartition(topic, 0)])
        await read(reader)
    finally:
        await reader.stop()


async def subscribe(address, topic):
    reader = consumer(address, topic)
    try:
        await reader.start()
        await read(reader)
    finally:
        await reader.stop()


async def commit(address, topic):
    place = TopicPartition(topic, 0)
    reader = consumer(address)
    await reader.start()
    try:
        reader.assign([place])
        await reader.commit({place: 1})
    finally:
        await reader.stop()


async def transactions(address, _topic):
    producer = AIOKafkaProducer(bootstrap_servers=address, transactional_id="unserved")
    try:
        await producer.start()
    finally:
        await producer.stop()


async def sasl(address, _topic):
    producer = AIOKafkaProducer(
        bootstrap_servers=address, security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN",
        sasl_plain_username="user", sasl_plain_password="word")
    try:
        await producer.start()
    finally:
        await producer.stop()


def limited(scenario):
    def run(address, topic):
        try:
            asyncio.run(asyncio.wait_for(scenario(address, topic), outcome.PATIENCE))
        except (asyncio.TimeoutError, TimeoutError) as error:
            raise outcome.NothingHappened from error
    return run


scenarios = (assign, subscribe, commit, transactions, sasl)
outcome.report({each.__name__: limited(each) for each in scenarios}, KafkaError)
