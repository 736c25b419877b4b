// Owners of librdkafka's handles, and its errors as status. For the sources of this folder: no
// header shows librdkafka's own types.
#pragma once

#include "storage/base/result.h"

#include <memory>
#include <string>

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_topic_s;
struct rd_kafka_queue_s;

namespace troupe::kafka {

struct rd_deleter {
  void operator()(rd_kafka_s* client) const;
  void operator()(rd_kafka_conf_s* conf) const;
  void operator()(rd_kafka_topic_s* topic) const;
  void operator()(rd_kafka_queue_s* queue) const;
};
using rd_conf = std::unique_ptr<rd_kafka_conf_s, rd_deleter>;
using rd_topic_handle = std::unique_ptr<rd_kafka_topic_s, rd_deleter>;
using rd_queue = std::unique_ptr<rd_kafka_queue_s, rd_deleter>;

/// What an rd_kafka_resp_err_t means for a record or a topic. invalid_argument is only said of a
/// record that will never be taken.
errc code_of(int error);
/// "librdkafka's text: more"
status error_of(int error, const std::string& more = {});
/// It is about a connection, not about what goes over it.
bool is_about_connection(int error);

}  // namespace troupe::kafka
