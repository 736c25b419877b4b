// Kafka clusters as librdkafka reaches them.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"

#include <memory>

namespace troupe::kafka {

/// Both must outlive what it makes. `time` is that of the machine: librdkafka knows no other.
std::unique_ptr<connector> make_rd_connector(const clock& time, file_system& files);

}  // namespace troupe::kafka
