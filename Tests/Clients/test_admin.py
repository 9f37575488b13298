"""Topics and settings by the admin clients."""
import pytest

import exchange
from clients import CLIENTS, ClientError, Record
from clients.base import (
    INVALID_CONFIG, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, INVALID_TOPIC,
    TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_OR_PARTITION,
)


def refused(code):
    return pytest.raises(ClientError, check=lambda error: error.code == code)


@pytest.mark.feature("makes and describes topics")
def test_a_topic_is_made_as_asked(client, name):
    client.create_topics([name], partitions=5, configs={"segment.bytes": "1048576"})
    assert name in client.topics()
    assert client.partition_count(name) == 5
    assert client.topic_configs(name)["segment.bytes"] == "1048576"


@pytest.mark.feature("lists topics")
def test_topics_are_listed(client, topic):
    assert topic in client.topics()
    assert client.partition_count(topic) == 1


@pytest.mark.feature("validates without making")
def test_validation_makes_nothing(client, name):
    client.create_topics([name], validate_only=True)
    assert name not in client.topics()


@pytest.mark.feature("is told why a topic is not made")
def test_a_topic_that_cannot_be(client, topic, name):
    with refused(TOPIC_ALREADY_EXISTS):
        client.create_topics([topic])
    with refused(INVALID_TOPIC):
        client.create_topics(["no/name"])
    with refused(INVALID_PARTITIONS):
        client.create_topics([name + "-zero"], partitions=0)
    with refused(INVALID_REPLICATION_FACTOR):
        client.create_topics([name + "-replicas"], replicas=3)
    with refused(INVALID_CONFIG):
        client.create_topics([name + "-config"], configs={"segment.bytes": "many"})


@pytest.mark.feature("describes settings")
def test_settings_are_described(client, topic, clients):
    configs = client.topic_configs(topic)
    assert configs["cleanup.policy"] == "delete"
    assert configs["message.timestamp.type"] == "CreateTime"
    (node,) = client.cluster()["brokers"]
    assert client.broker_configs(node)["num.partitions"] == "2"


@pytest.mark.feature("alters settings (IncrementalAlterConfigs)")
def test_settings_are_altered(client, name, clients):
    clients["confluent-kafka"].create_topics([name], configs={"segment.bytes": "1048576"})
    client.alter_topic(name, {"retention.ms": "123456"})
    configs = client.topic_configs(name)
    assert configs["retention.ms"] == "123456"
    assert configs["segment.bytes"] == "1048576"
    with refused(INVALID_CONFIG):
        client.alter_topic(name, {"retention.ms": "soon"})
    assert client.topic_configs(name)["retention.ms"] == "123456"


@pytest.mark.feature("replaces settings (AlterConfigs)")
def test_settings_are_replaced(client, name, clients):
    clients["confluent-kafka"].create_topics([name])
    client.replace_configs(name, {"retention.ms": "123456", "max.message.bytes": "5000"})
    configs = client.topic_configs(name)
    assert (configs["retention.ms"], configs["max.message.bytes"]) == ("123456", "5000")
    client.replace_configs(name, {"retention.ms": "654321", "max.message.bytes": "5000"})
    assert client.topic_configs(name)["retention.ms"] == "654321"


@pytest.mark.feature("deletes topics")
def test_a_deleted_topic_is_gone(client, name, clients):
    client.create_topics([name])
    client.produce(name, [Record(b"old")])
    client.delete_topics([name])
    assert name not in client.topics()
    with refused(UNKNOWN_TOPIC_OR_PARTITION):
        client.delete_topics([name])
    client.create_topics([name])
    client.produce(name, [Record(b"new")])
    exchange.check(client.consume(name, 0, 0, 1), [Record(b"new")])


@pytest.mark.feature("adds partitions")
def test_partitions_are_added(client, clients, topic):
    clients["confluent-kafka"].produce(topic, [Record(b"old")])
    client.create_partitions(topic, 4)
    assert client.partition_count(topic) == 4
    record = Record(b"new", partition=3)
    client.produce(topic, [record])
    exchange.check(client.consume(topic, 3, 0, 1), [record])
    exchange.check(client.consume(topic, 0, 0, 1), [Record(b"old")])
    with refused(INVALID_PARTITIONS):
        client.create_partitions(topic, 2)


@pytest.mark.feature("deletes records")
def test_records_are_deleted(client, clients, topic):
    clients["confluent-kafka"].produce(topic, [Record(b"%d" % n) for n in range(10)])
    assert client.delete_records(topic, 0, 4) == 4
    assert tuple(client.bounds(topic, 0)) == (4, 10)
    assert [record.value for record in client.consume(topic, 0, 4, 2)] == [b"4", b"5"]


@pytest.mark.feature("describes the cluster")
def test_the_cluster_is_one_broker(client, clients):
    found = client.cluster()
    ((node, (host, port)),) = found["brokers"].items()
    assert f"{host}:{port}" == client.address
    assert found["controller"] == node
    if found["cluster_id"] is not None:
        assert found["cluster_id"] == clients["confluent-kafka"].cluster()["cluster_id"] != ""


@pytest.mark.feature("describes log directories")
def test_log_directories(client, topic, server):
    client.produce(topic, [Record(b"x" * 1_000)])
    ((path, partitions),) = client.log_directories().items()
    assert path == str(server.data)
    assert partitions[(topic, 0)] >= 1_000


@pytest.mark.parametrize("client_name", CLIENTS)
def test_without_auto_creation_an_unknown_topic_is_an_error(client_name, own_server):
    server = own_server({"auto.create.topics.enable": "false"})
    client = CLIENTS[client_name](server.address)
    with refused(UNKNOWN_TOPIC_OR_PARTITION):
        client.partition_count("nowhere")
    assert client.topics() == set()
    server.stop()
