// What streams of deltas amount to so far, by the rules of the OpenTelemetry collector's
// deltatocumulative processor: in memory, a stream begins with its first delta. Thread-safe.
#pragma once

#include "pipeline/otlp/metrics.h"
#include "storage/base/clock.h"
#include "storage/base/hash.h"
#include "storage/base/memory_budget.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::otlp {

class delta_streams {
 public:
  /// `memory` may be null, `count` is told how many streams there are; all outlive this.
  delta_streams(const clock& clk, memory_budget* memory, gauge& count)
      : clock_(clk), count_(count), charged_(memory) {}

  /// Adds a delta to its stream and makes it what the stream amounts to. Else: why it is left out,
  /// too old for the stream or new without memory for it.
  std::string_view add(const hash128& stream, metric_kind kind, data_point& p);
  /// Forgets streams without a delta for five minutes; looks for them once a minute.
  void expire();

 private:
  struct state {
    data_point sum;  ///< without attributes and exemplars
    int64_t seen_ns = 0;
    size_t bytes = 0;
  };
  struct by_hash {
    size_t operator()(const hash128& h) const { return h.low; }
  };
  bool charge(state& s, size_t bytes);

  const clock& clock_;
  gauge& count_;
  std::mutex lock_;  ///< guards what is below
  std::unordered_map<hash128, state, by_hash> streams_;
  memory_charge charged_;
  uint64_t bytes_ = 0;
  int64_t next_look_ns_ = 0;
};

/// Passes on what it is given, deltas as what their streams amount to.
class cumulative_sink final : public metrics_sink {
 public:
  /// `refuse` is told why a data point is left out. All outlive this.
  cumulative_sink(delta_streams& streams, metrics_sink& to,
                  std::function<void(std::string_view why)> refuse)
      : streams_(streams), to_(to), refuse_(std::move(refuse)) {}

  void begin_resource(std::span<const attribute> attributes) override;
  void begin_scope(const scope& s) override;
  void begin_metric(const metric& m) override;
  void add(const data_point& p) override;
  void end_resource() override { to_.end_resource(); }
  bool full() const override { return to_.full(); }

 private:
  hash128 identity_of(const hash128& around, std::string_view own,
                      std::span<const attribute> attributes);

  delta_streams& streams_;
  metrics_sink& to_;
  const std::function<void(std::string_view why)> refuse_;
  hash128 resource_, scope_, metric_;
  metric_kind kind_ = metric_kind::none;
  bool is_delta_ = false;
  // Scratch.
  std::vector<attribute> sorted_;
  std::string key_;
};

}  // namespace troupe::otlp
