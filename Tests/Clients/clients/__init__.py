"""The Kafka clients, each behind one interface."""
from .aiokafka_client import AioKafka
from .base import Client, ClientError, Lacks, Received, Record
from .confluent import Confluent
from .kafka_python import KafkaPython
from .kcat import Kcat

CLIENTS = {client.name: client for client in (Kcat, Confluent, KafkaPython, AioKafka)}

__all__ = ["CLIENTS", "Client", "ClientError", "Lacks", "Received", "Record"]
