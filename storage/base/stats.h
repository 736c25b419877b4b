// Self-metrics: counters, gauges and histograms in a registry that renders Prometheus text.
// Updating is lock-free and thread-safe; registering and rendering take the registry's lock.
// Objects live as long as their registry.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

using label_pairs = std::vector<std::pair<std::string, std::string>>;

class counter {
 public:
  void add(double n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class gauge {
 public:
  void set(double v) { value_.store(v, std::memory_order_relaxed); }
  void add(double n) { value_.fetch_add(n, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Cumulative buckets, as Prometheus' classic histograms.
class bucket_histogram {
 public:
  explicit bucket_histogram(std::vector<double> upper_bounds);
  void observe(double v);
  const std::vector<double>& bounds() const { return bounds_; }
  /// Per bucket (not cumulative), the last one is +Inf.
  uint64_t bucket_count(size_t i) const { return counts_[i].load(std::memory_order_relaxed); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

/// One per node, passed in. Asking twice for the same name and labels gives the same object.
class registry {
 public:
  registry();
  ~registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  counter& get_counter(std::string_view name, std::string_view help, label_pairs labels = {});
  gauge& get_gauge(std::string_view name, std::string_view help, label_pairs labels = {});
  bucket_histogram& get_histogram(std::string_view name, std::string_view help,
                                  std::vector<double> upper_bounds, label_pairs labels = {});
  /// A gauge whose value is asked for at render time; `read` must be thread-safe and quick.
  void add_gauge_callback(std::string_view name, std::string_view help,
                          std::function<double()> read, label_pairs labels = {});
  /// The same for a counter: what `read` gives must never fall.
  void add_counter_callback(std::string_view name, std::string_view help,
                            std::function<double()> read, label_pairs labels = {});
  /// Series that come and go: `read` gives all of the family at render time, a few; it must be
  /// thread-safe and quick, and may outlive whoever made it. A second call takes its place.
  struct series_value {
    label_pairs labels;
    double value = 0;
  };
  using read_series = std::function<std::vector<series_value>()>;
  void add_gauge_family(std::string_view name, std::string_view help, read_series read);
  /// The same for counters.
  void add_counter_family(std::string_view name, std::string_view help, read_series read);
  /// A second name for an existing family (Prometheus' own names that dashboards rely on).
  void add_alias(std::string_view existing, std::string_view alias);
  /// Text exposition format 0.0.4, families and series sorted.
  std::string render() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe
