// The state of stream aggregation: whatever the bytes, either corruption or a state that is written
// and read back as it is, and that goes on.
#include "pipeline/aggregate/aggregator.h"
#include "pipeline/aggregate/journal.h"
#include "storage/base/check.h"

#include <cstddef>
#include <cstdint>

namespace {

troupe::aggregate::rule_ptr rule_with_everything() {
  troupe::config::aggregation_config c;
  c.name = "r";
  c.match = {"m"};
  c.interval_ms = 120'000;
  c.by = {"g"};
  c.outputs = {"histogram_bucket", "quantiles(0.5)", "rate_sum",
               "stddev",           "total",          "unique_samples"};
  return *troupe::aggregate::rule::make(c);
}

void check_rule(std::string_view bytes) {
  using troupe::aggregate::aggregator;
  static const auto rule = rule_with_everything();
  const auto got = aggregator::decode(rule, bytes);
  if (!got.ok())
    return;
  std::string once, twice;
  (*got)->encode(once);
  const auto back = aggregator::decode(rule, once);
  TROUPE_CHECK(back.ok());
  (*back)->encode(twice);
  TROUPE_CHECK(once.size() == twice.size());
  for (int i = 0; i < 6; ++i)
    (void)(*got)->close_step();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto got = troupe::aggregate::read_journal(bytes);
  if (got.ok())
    for (const auto& r : got->base.rules)
      check_rule(r.bytes);
  check_rule(bytes);
  return 0;
}
