// What a block `kafka` of the configuration says, as librdkafka's settings.
#pragma once

#include "config/kafka_config.h"
#include "pipeline/kafka/rd_handle.h"
#include "storage/base/file_system.h"

#include <string_view>

namespace troupe::kafka {

enum class rd_kind : uint8_t { producer, consumer };

/// invalid_argument names the setting and librdkafka's reason; io_error a file that cannot be read.
/// The password's file is read now. `alone`: a producer sends each record in a request of its own.
result<rd_conf> make_rd_conf(rd_kind kind, const config::kafka_config& cluster, file_system& files,
                             bool alone = false);
/// What else may be the reason when brokers refuse these credentials, by this version of librdkafka
/// (rd_kafka_version()); "" if there is nothing.
std::string_view refusal_hint(const rd_kafka_conf_s& conf, int version);
/// The value of a number; 0 if it is none.
uint64_t rd_number(const rd_kafka_conf_s& conf, const char* key);

}  // namespace troupe::kafka
