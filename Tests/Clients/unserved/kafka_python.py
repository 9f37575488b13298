"""kafka-python, whatever version PYTHONPATH has."""
import outcome
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError


def consumer(address, **options):
    return KafkaConsumer(
        bootstrap_servers=address, group_id="unserved", auto_offset_reset="earliest",
        auto_commit_interval_ms=200, **options)


def read(reader):
    values = []
    for _ in outcome.until():
        for records in reader.poll(timeout_ms=500).values():
            values += [record.value for record in records]
        if len(values) == outcome.RECORDS:
            break
    reader.close()
    outcome.check(values)


def assign(address, topic):
    reader = consumer(address)
    reader.assign([TopicPartition(topic, 0)])
    read(reader)


def subscribe(address, topic):
    reader = consumer(address)
    reader.subscribe([topic])
    read(reader)


def commit(address, topic):
    place = TopicPartition(topic, 0)
    reader = consumer(address)
    reader.assign([place])
    # The leader epoch is a field since version 2.1.
    fields = (1, "", -1)[:len(OffsetAndMetadata._fields)]
    reader.commit({place: OffsetAndMetadata(*fields)})


def transactions(address, _topic):
    producer = KafkaProducer(
        bootstrap_servers=address, transactional_id="unserved",
        max_block_ms=int(outcome.PATIENCE * 1000))
    try:
        producer.init_transactions()
    except KafkaTimeoutError as error:
        raise outcome.NothingHappened from error


def sasl(address, _topic):
    # Version 3 logs the mechanism that was refused, and tries for 30 seconds unless told otherwise.
    is_new = "bootstrap_timeout_ms" in KafkaProducer.DEFAULT_CONFIG
    patience = {"bootstrap_timeout_ms": 3000} if is_new else {}
    producer = KafkaProducer(
        bootstrap_servers=address, security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN",
        sasl_plain_username="user", sasl_plain_password="word",
        max_block_ms=int(outcome.PATIENCE * 1000), **patience)
    producer.partitions_for("any")


outcome.report(
    {
        "assign": assign, "subscribe": subscribe, "commit": commit,
        "transactions": transactions, "sasl": sasl,
    }, KafkaError)
