// Profiles made from random numbers alone.
#include "pipeline/bench/noise.h"
#include "pipeline/bench/profile.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace troupe::bench {
namespace {

constexpr size_t default_width = 500;

std::string family(std::string_view name, std::string_view type, std::string_view help) {
  return "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) +
         " " + std::string(type) + "\n";
}
std::string numbered(std::string_view name, size_t i) {
  return std::string(name) + "{id=\"" + std::to_string(i) + "\"}\n";
}

// ---- busy: four kinds, a quarter of the series each, of 3 to 8 digits, all moving at every row
// ----

enum busy_kind : size_t { requests, bytes, temperature, latency };
constexpr size_t busy_kinds = 4;
size_t busy_kind_of(size_t column, size_t width) {
  return column * busy_kinds / width;
}

class busy_source final : public value_source {
 public:
  busy_source(uint64_t seed, uint64_t host, size_t width) : random_(host_seed(seed, host)) {
    for (size_t s = 0; s < width; ++s) {
      // Rates differ by series over four orders of magnitude.
      const uint64_t digits = 10 + random_.below(90);
      rate_.push_back(static_cast<int64_t>(digits << random_.below(12)));
      at_.push_back(static_cast<int64_t>(random_.below(5'000)));
    }
  }

  void next(std::span<double> row) override {
    for (size_t s = 0; s < row.size(); ++s) {
      switch (busy_kind_of(s, row.size())) {
        case requests:
          row[s] = static_cast<double>(at_[s] += 1 + events(random_, rate_[s]));
          break;
        case bytes:
          row[s] = static_cast<double>(at_[s] += 1 + 512 * events(random_, rate_[s]));
          break;
        case temperature:
          at_[s] = std::clamp<int64_t>(at_[s] + std::llround(30 * normal(random_)), -4'000, 12'000);
          row[s] = static_cast<double>(at_[s]) / 100;
          break;
        default:
          row[s] = static_cast<double>(events(random_, 1000 * rate_[s])) / 1e9;
      }
    }
  }

 private:
  seeded_random random_;
  std::vector<int64_t> rate_, at_;
};

std::string busy_text(size_t width) {
  static constexpr std::array<std::array<std::string_view, 3>, busy_kinds> families{{
      {"bench_requests_total", "counter", "Events."},
      {"bench_sent_bytes_total", "counter", "Blocks of 512 bytes and one more."},
      {"bench_temperature_celsius", "gauge", "Hundredths that wander."},
      {"bench_latency_seconds", "gauge", "Nanoseconds around a mean."},
  }};
  std::string out;
  size_t last = busy_kinds, id = 0;
  for (size_t s = 0; s < width; ++s) {
    const size_t kind = busy_kind_of(s, width);
    const auto& [name, type, help] = families[kind];
    if (kind != last) {
      out += family(name, type, help);
      id = 0;
    }
    last = kind;
    out += numbered(name, id++);
  }
  return out;
}

// ---- walk16: full mantissas ----

class walk_source final : public value_source {
 public:
  walk_source(uint64_t seed, uint64_t host, size_t width) : random_(host_seed(seed, host)) {
    for (size_t s = 0; s < width; ++s)
      at_.push_back(1000 * random_.unit());
  }
  void next(std::span<double> row) override {
    for (size_t s = 0; s < row.size(); ++s)
      row[s] = at_[s] += normal(random_);
  }

 private:
  seeded_random random_;
  std::vector<double> at_;
};

// ---- classic: cumulative buckets, sum, count ----

constexpr std::array<std::string_view, 12> bounds{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                                  "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};
/// How many of 1,000 observations fall into each bucket, and a typical one in nanoseconds.
constexpr std::array<int64_t, 12> share{40, 90, 180, 240, 200, 120, 70, 35, 15, 6, 3, 1};
constexpr std::array<int64_t, 12> typical{
    3'000'000,   7'000'000,   17'000'000,    37'000'000,    70'000'000,    160'000'000,
    350'000'000, 700'000'000, 1'600'000'000, 3'500'000'000, 7'000'000'000, 14'000'000'000};
constexpr size_t histogram_lines = bounds.size() + 2;

class classic_source final : public value_source {
 public:
  classic_source(uint64_t seed, uint64_t host, size_t width)
      : random_(host_seed(seed, host)), all_((width + histogram_lines - 1) / histogram_lines) {
    for (auto& h : all_)
      h.rate = static_cast<int64_t>(1ULL << random_.below(11));
  }

  void next(std::span<double> row) override {
    size_t at = 0;
    const auto put = [&](double v) {
      if (at < row.size())
        row[at++] = v;
    };
    for (auto& h : all_) {
      int64_t total = 0;
      for (size_t b = 0; b < bounds.size(); ++b) {
        // Rare buckets get their events now and then, not a fraction at every row.
        const int64_t thousandths = h.rate * share[b] + static_cast<int64_t>(random_.below(1000));
        const int64_t n = events(random_, thousandths / 1000);
        h.counts[b] += n;
        h.sum_ns += n * typical[b] + (n > 0 ? std::llround(1e5 * normal(random_)) : 0);
        put(static_cast<double>(total += h.counts[b]));
      }
      put(static_cast<double>(h.sum_ns) / 1e9);
      put(static_cast<double>(total));
    }
  }

 private:
  struct one {
    int64_t rate = 0;  ///< observations a row
    std::array<int64_t, 12> counts{};
    int64_t sum_ns = 0;
  };
  seeded_random random_;
  std::vector<one> all_;
};

std::string classic_text(size_t width) {
  static constexpr std::string_view name = "bench_request_duration_seconds";
  std::string out = family(name, "histogram", "Requests by duration.");
  size_t left = width;
  const auto put = [&](const std::string& line) {
    if (left > 0) {
      out += line;
      --left;
    }
  };
  for (size_t i = 0; left > 0; ++i) {
    const std::string who = "handler=\"/api/" + std::to_string(i) + "\"";
    for (const auto& le : bounds)
      put(std::string(name) + "_bucket{" + who + ",le=\"" + std::string(le) + "\"}\n");
    put(std::string(name) + "_sum{" + who + "}\n");
    put(std::string(name) + "_count{" + who + "}\n");
  }
  return out;
}

// ---- native: exponential buckets of schema 3 ----

constexpr int32_t native_schema = 3;
constexpr size_t native_buckets = 40;

class native_source final : public value_source {
 public:
  native_source(uint64_t seed, uint64_t host, size_t width) : random_(host_seed(seed, host)) {
    for (size_t s = 0; s < width; ++s)
      rate_.push_back(static_cast<int64_t>(1 + random_.below(1ULL << random_.below(12))));
    at_.resize(width);
  }
  void next(std::span<double> row) override {
    for (size_t s = 0; s < row.size(); ++s)
      row[s] = static_cast<double>(at_[s] += events(random_, rate_[s]));
  }

 private:
  seeded_random random_;
  std::vector<int64_t> rate_, at_;
};

std::string native_text(size_t width) {
  std::string out = family("bench_size_bytes", "histogram", "Native histograms.");
  for (size_t s = 0; s < width; ++s)
    out += numbered("bench_size_bytes", s);
  return out;
}

template <class Source>
class synthetic_profile : public profile {
 public:
  synthetic_profile(std::string name, const std::string& text) : profile(std::move(name), text) {}
  std::unique_ptr<value_source> source(uint64_t seed, uint64_t host) const override {
    return std::make_unique<Source>(seed, host, width());
  }
};

class native_profile final : public synthetic_profile<native_source> {
 public:
  using synthetic_profile::synthetic_profile;
  bool native() const override { return true; }

  // Each bucket is a fixed part of the observations, rounded down, so that it can only grow.
  histogram native_value(size_t column, double observations) const override {
    histogram h;
    h.schema = native_schema;
    h.zero_threshold = 0x1p-128;
    const auto n = static_cast<int64_t>(observations);
    h.zero_count = static_cast<double>(n / 50);
    h.count = h.zero_count;
    h.positive_spans = {{static_cast<int32_t>(column % 8), native_buckets / 2},
                        {3, native_buckets - native_buckets / 2}};
    for (size_t b = 0; b < native_buckets; ++b) {
      // A triangle over the buckets; its parts add up to 420.
      const auto part = static_cast<int64_t>(std::min(b + 1, native_buckets - b));
      h.positive_buckets.push_back(static_cast<double>(n * part / 420));
      h.count += h.positive_buckets.back();
    }
    h.sum = h.count * 12.5;
    return h;
  }
};

}  // namespace

result<profile_ptr> make_synthetic_profile(std::string_view name, size_t width) {
  const size_t n = width == 0 ? default_width : width;
  if (name == "busy")
    return profile_ptr(std::make_shared<synthetic_profile<busy_source>>("busy", busy_text(n)));
  if (name == "walk16") {
    std::string text = family("bench_walk", "gauge", "A random walk of 16 digits.");
    for (size_t s = 0; s < n; ++s)
      text += numbered("bench_walk", s);
    return profile_ptr(std::make_shared<synthetic_profile<walk_source>>("walk16", text));
  }
  if (name == "classic")
    return profile_ptr(
        std::make_shared<synthetic_profile<classic_source>>("classic", classic_text(n)));
  if (name == "native")
    return profile_ptr(std::make_shared<native_profile>("native", native_text(n)));
  return {errc::invalid_argument, "unknown profile: " + std::string(name)};
}

}  // namespace troupe::bench
