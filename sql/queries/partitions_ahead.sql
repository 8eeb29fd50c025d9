SELECT partitions_ahead(4)
