#include "pipeline/kafka/rd_log.h"

#include "storage/base/log.h"

#include <syslog.h>

namespace troupe::kafka {
namespace {

const logger kafka_log("kafka");

}  // namespace

std::optional<uint64_t> line_limit::take() {
  std::lock_guard guard(lock_);
  const int64_t now = time_.monotonic_ns();
  if (taken_ == 0 || now - began_ns_ >= stretch_ns) {
    began_ns_ = now;
    taken_ = 0;
  }
  if (taken_ == lines) {
    ++left_out_;
    return std::nullopt;
  }
  ++taken_;
  return std::exchange(left_out_, 0);
}

void write_rd_log(line_limit& limit, int level, const char* about, const char* text) {
  if (level >= LOG_DEBUG) {
    kafka_log.debug("{}: {}", about, text);
    return;
  }
  const auto left_out = limit.take();
  if (!left_out)
    return;
  if (*left_out != 0)
    kafka_log.info("{} lines of librdkafka were left out", *left_out);
  if (level <= LOG_WARNING)
    kafka_log.warn("{}: {}", about, text);
  else
    kafka_log.info("{}: {}", about, text);
}

}  // namespace troupe::kafka
