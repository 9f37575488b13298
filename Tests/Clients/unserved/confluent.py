"""confluent-kafka, whatever version PYTHONPATH has."""
import outcome
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition


def consumer(address, **options):
    return Consumer({
        "bootstrap.servers": address, "group.id": "unserved", "auto.offset.reset": "earliest",
        # Soon enough for a commit while the records are read.
        "auto.commit.interval.ms": 200, **options,
    })


def read(reader):
    """Every record, and some time more, in which the client commits."""
    values = []
    for _ in outcome.until():
        message = reader.poll(0.2)
        if message is None:
            if len(values) == outcome.RECORDS:
                break
        elif message.error() is not None:
            raise KafkaException(message.error())
        else:
            values.append(message.value())
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
    reader = consumer(address)
    reader.assign([TopicPartition(topic, 0)])
    reader.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)


def transactions(address, _topic):
    producer = Producer({"bootstrap.servers": address, "transactional.id": "unserved"})
    producer.init_transactions(outcome.PATIENCE)


def sasl(address, topic):
    errors = []
    reader = consumer(
        address, **{
            "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN",
            "sasl.username": "user", "sasl.password": "word", "error_cb": errors.append,
        })
    reader.assign([TopicPartition(topic, 0)])
    for _ in outcome.until():
        reader.poll(0.2)
        if errors:
            raise KafkaException(errors[0])


outcome.report(
    {
        "assign": assign, "subscribe": subscribe, "commit": commit,
        "transactions": transactions, "sasl": sasl,
    }, KafkaException)
