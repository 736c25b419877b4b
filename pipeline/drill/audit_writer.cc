#include "pipeline/drill/audit_writer.h"

#include <algorithm>

namespace troupe::drill {
namespace {

constexpr int64_t again_ns = 200'000'000;
/// Of each series, in one request: after an outage of the source there is more.
constexpr uint64_t most_together = 500;

bool is_refusal(int code) {
  return code / 100 == 4 && code != 429 && code != 408;
}

}  // namespace

audit_writer::audit_writer(const audit_series& series, size_t node, traffic& over, const clock& clk)
    : series_(series), node_(node), over_(over), clock_(clk) {}

void audit_writer::turn() {
  if (under_way_ || !refused_.ok() || clock_.monotonic_ns() < next_try_ns_)
    return;
  const uint64_t due = stopped_ ? last_ : series_.due(clock_.now_ms());
  if (due <= acked_)
    return;
  // What was on its way goes first, as it was.
  const uint64_t last = sent_ > acked_ ? sent_ : std::min(due, acked_ + most_together);
  under_way_ = true;
  sent_ = last;
  over_.write(node_, series_.body(acked_ + 1, last),
              [this, last](const reply& r) { answered(last, r); });
}

void audit_writer::answered(uint64_t last, const reply& r) {
  under_way_ = false;
  const int64_t now_ns = clock_.monotonic_ns();
  if (!r.error.ok()) {
    if (failed_.ok())
      failing_since_ns_ = now_ns;
    (is_refusal(r.code) ? refused_ : failed_) = r.error.with_context(over_.url(node_));
    next_try_ns_ = now_ns + again_ns;
    return;
  }
  acked_ = last;
  acked_at_ns_.resize(acked_, now_ns);
  failed_ = {};
}

void audit_writer::stop() {
  if (stopped_)
    return;
  stopped_ = true;
  last_ = sent_;
}

status audit_writer::error() const {
  if (!refused_.ok())
    return refused_;
  const bool is_long = clock_.monotonic_ns() - failing_since_ns_ > gone_ns;
  return !failed_.ok() && is_long ? failed_ : status();
}

}  // namespace troupe::drill
