// A consumer over librdkafka.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "pipeline/kafka/rd_settings.h"
#include "storage/base/clock.h"

namespace troupe::kafka {

result<std::unique_ptr<consumer>> make_rd_consumer(rd_conf conf, const clock& time,
                                                   const std::string& topic);

}  // namespace troupe::kafka
