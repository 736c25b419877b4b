#include "pipeline/bench/fleet.h"

#include "pipeline/bench/noise.h"
#include "storage/base/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::bench {
namespace {

// Hosts that were replaced before row `row`, over all slots, in turn from slot 0 on.
uint64_t replaced(const fleet_options& o, size_t width, uint64_t row) {
  return static_cast<uint64_t>(static_cast<double>(row) * o.churn / static_cast<double>(width));
}

}  // namespace

fleet::fleet(profile_ptr profile, const fleet_options& options)
    : profile_(std::move(profile)),
      options_(options),
      slots_((options.series + profile_->width() - 1) / profile_->width()),
      sources_(slots_),
      hosts_(slots_, 0),
      values_(options.series),
      whole_(profile_->width()) {
  TROUPE_CHECK(options.series > 0 && options.step_ms > 0);
}

size_t fleet::width(size_t slot) const {
  return std::min(profile_->width(), options_.series - slot * profile_->width());
}

uint64_t fleet::host_at(size_t slot, uint64_t row) const {
  const uint64_t turns = (replaced(options_, profile_->width(), row) + slots_ - 1 - slot) / slots_;
  return slot + slots_ * turns;
}

std::pair<uint64_t, uint64_t> fleet::life(size_t slot, uint64_t row) const {
  const uint64_t host = host_at(slot, row);
  // The first row in [low, high) at which `past` holds; it holds from some row on.
  const auto first = [&](uint64_t low, uint64_t high, auto past) {
    while (low < high) {
      const uint64_t middle = low + (high - low) / 2;
      if (past(middle))
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  };
  return {first(0, row, [&](uint64_t r) { return host_at(slot, r) == host; }),
          first(row + 1, options_.rows, [&](uint64_t r) { return host_at(slot, r) != host; })};
}

timestamp_ms fleet::time_of(uint64_t host, uint64_t row) const {
  const auto phase = host_seed(~options_.seed, host) % static_cast<uint64_t>(options_.step_ms);
  return options_.start + static_cast<int64_t>(row) * options_.step_ms +
         static_cast<int64_t>(phase);
}

std::string fleet::instance(uint64_t host) const {
  return fmt::format("{}-{}-{:06}", profile_->name(), options_.seed, host);
}

labels fleet::series_labels(uint64_t host, size_t column) const {
  labels_builder b(profile_->series()[column]);
  return b.set("job", "bench").set("instance", instance(host)).build();
}

std::span<const double> fleet::next_row() {
  for (size_t slot = 0; slot < slots_; ++slot) {
    const uint64_t host = host_at(slot, row_);
    if (!sources_[slot] || hosts_[slot] != host) {
      sources_[slot] = profile_->source(options_.seed, host);
      hosts_[slot] = host;
    }
    sources_[slot]->next(whole_);
    std::copy_n(whole_.begin(), width(slot),
                values_.begin() + static_cast<ptrdiff_t>(slot * profile_->width()));
  }
  ++row_;
  return values_;
}

}  // namespace troupe::bench
