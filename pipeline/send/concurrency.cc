#include "pipeline/send/concurrency.h"

namespace troupe::send {

void concurrency::on_success(bool more_waits, int64_t now_ns) {
  if (!more_waits || now_ == most_ || now_ns - changed_ns_ < rise_ns)
    return;
  ++now_;
  changed_ns_ = now_ns;
}

void concurrency::on_failure(int64_t now_ns) {
  if (now_ == least_ || now_ns - changed_ns_ < fall_ns)
    return;
  now_ = std::max(least_, now_ / 2);
  changed_ns_ = now_ns;
}

void concurrency::on_idle(int64_t now_ns) {
  if (now_ == least_ || now_ns - changed_ns_ < rest_ns)
    return;
  --now_;
  changed_ns_ = now_ns;
}

}  // namespace troupe::send
