"""The metrics of a row of trials.csv."""


# Metrics that are quotients are computed from what they are quotients of: trials.csv rounds them.
def quotient(above, below):
    def value(row):
        if row.get(above, "") == "" or row.get(below, "") == "" or float(row[below]) == 0:
            return None
        return float(row[above]) / float(row[below])
    return value


def durable(row):
    if "" in (row["bytes"], row["seconds"], row.get("final_sync_s", "")):
        return None
    return float(row["bytes"]) / 1e6 / (float(row["seconds"]) + float(row["final_sync_s"]))


def cpu_per_gigabyte(row):
    if row["bytes"] in ("", "0") or row["cpu_user_s"] == "" or row.get("catch_up_bytes"):
        return None
    seconds = row.get("target_cpu_s") or str(float(row["cpu_user_s"]) + float(row["cpu_system_s"]))
    return round(float(seconds), 6) / (float(row["bytes"]) / 1e9)


def catch_up(row):
    value = quotient("catch_up_bytes", "catch_up_s")(row)
    return value and value / 1e6


def receiver_cpu(row):
    # Earlier versions wrote it by the gigabyte only.
    if not row.get("receiver_cpu_s"):
        value = row.get("receiver_cpu_s_per_gb", "")
        return float(value) if value else None
    return float(row["receiver_cpu_s"]) / (float(row.get("consumed_bytes") or row["bytes"]) / 1e9)


def cpu_per_moved_gigabyte(row):
    if not row.get("consumed_bytes") or not row.get("target_cpu_s") or not row["bytes"]:
        return None
    moved = float(row["bytes"]) + float(row["consumed_bytes"])
    return float(row["target_cpu_s"]) / (moved / 1e9) if moved else None


COMPUTED = {
    "mb_per_s": lambda row: (value := quotient("bytes", "seconds")(row)) and value / 1e6,
    "durable_mb_per_s": durable,
    "achieved_records_per_s": quotient("records", "seconds"),
    "cpu_s_per_gb": cpu_per_gigabyte,
    "cpu_s_per_moved_gb": cpu_per_moved_gigabyte,
    "machine_cpu_s_per_gb": lambda row: (
        (value := quotient("machine_cpu_s", "bytes")(row)) is not None and value * 1e9 or value),
    "catch_up_mb_per_s": catch_up,
    "receiver_cpu_s_per_gb": receiver_cpu,
}


def value_of(row, metric):
    if metric in COMPUTED:
        return COMPUTED[metric](row)
    text = row.get(metric, "")
    return float(text) if text else None
