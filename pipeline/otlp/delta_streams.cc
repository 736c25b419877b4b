#include "pipeline/otlp/delta_streams.h"

#include "pipeline/otlp/exponential_sum.h"
#include "storage/base/coding.h"

#include <algorithm>
#include <utility>

namespace troupe::otlp {

namespace {

constexpr int64_t stale_ns = 300'000'000'000;
constexpr int64_t look_every_ns = 60'000'000'000;
/// Of a node of the table and its links.
constexpr size_t entry_bytes = 64;

size_t bytes_of(const data_point& p) {
  return entry_bytes + sizeof p +
         (p.bucket_counts.size() + p.positive.counts.size() + p.negative.counts.size()) *
             sizeof(uint64_t) +
         p.bounds.size() * sizeof(double);
}

void add_number(data_point& to, const data_point& in) {
  if (to.integer && in.integer) {
    to.integer = static_cast<int64_t>(static_cast<uint64_t>(*to.integer) +
                                      static_cast<uint64_t>(*in.integer));
    to.value = static_cast<double>(*to.integer);
    return;
  }
  to.integer.reset();
  to.value += in.value;
}

void add_counts(data_point& to, const data_point& in) {
  to.count += in.count;
  if (to.sum && in.sum)
    *to.sum += *in.sum;
  else
    to.sum.reset();
}

void add_histogram(data_point& to, const data_point& in) {
  // Of other bounds nothing can be added: it begins anew.
  if (to.bounds != in.bounds) {
    to = in;
    return;
  }
  for (size_t i = 0; i < std::min(to.bucket_counts.size(), in.bucket_counts.size()); ++i)
    to.bucket_counts[i] += in.bucket_counts[i];
  add_counts(to, in);
}

}  // namespace

bool delta_streams::charge(state& s, size_t bytes) {
  const uint64_t all = bytes_ - s.bytes + bytes;
  if (!charged_.set(all) && bytes > s.bytes)
    return false;
  bytes_ = all;
  s.bytes = bytes;
  return true;
}

std::string_view delta_streams::add(const hash128& stream, metric_kind kind, data_point& p) {
  auto attributes = std::move(p.attributes);
  auto exemplars = std::move(p.exemplars);
  p.attributes.clear();
  p.exemplars.clear();
  const std::lock_guard guard(lock_);
  const auto [at, is_new] = streams_.try_emplace(stream);
  state& s = at->second;
  if (is_new) {
    if (!charge(s, bytes_of(p))) {
      streams_.erase(at);
      return "there is no memory for a new stream of deltas (--storage.memory-limit)";
    }
    s.sum = p;
    count_.set(static_cast<double>(streams_.size()));
  } else if (p.start_ns < s.sum.start_ns) {
    return "a delta begins before its stream";
  } else if (p.time_ns <= s.sum.time_ns) {
    return "a delta is out of order";
  } else {
    if (kind == metric_kind::sum) {
      add_number(s.sum, p);
    } else if (kind == metric_kind::histogram) {
      add_histogram(s.sum, p);
    } else {
      add_buckets(s.sum, p);
      add_counts(s.sum, p);
    }
    s.sum.time_ns = p.time_ns;
    // A stream that is there may grow.
    (void)charge(s, bytes_of(s.sum));
    p = s.sum;
  }
  s.seen_ns = clock_.monotonic_ns();
  p.attributes = std::move(attributes);
  p.exemplars = std::move(exemplars);
  return {};
}

void delta_streams::expire() {
  const int64_t now = clock_.monotonic_ns();
  const std::lock_guard guard(lock_);
  if (now < next_look_ns_)
    return;
  next_look_ns_ = now + look_every_ns;
  std::erase_if(streams_, [&](const auto& entry) {
    const bool stale = now - entry.second.seen_ns > stale_ns;
    bytes_ -= stale ? entry.second.bytes : 0;
    return stale;
  });
  (void)charged_.set(bytes_);
  count_.set(static_cast<double>(streams_.size()));
}

// The order of attributes is of no meaning.
hash128 cumulative_sink::identity_of(const hash128& around, std::string_view own,
                                     std::span<const attribute> attributes) {
  sorted_.assign(attributes.begin(), attributes.end());
  std::sort(sorted_.begin(), sorted_.end(), [](const attribute& a, const attribute& b) {
    return a.key != b.key ? a.key < b.key : a.value < b.value;
  });
  key_.clear();
  put_fixed(key_, around.low);
  put_fixed(key_, around.high);
  put_bytes(key_, own);
  for (const auto& a : sorted_) {
    put_bytes(key_, a.key);
    put_bytes(key_, a.value);
  }
  return xxh3_128(key_);
}

void cumulative_sink::begin_resource(std::span<const attribute> attributes) {
  resource_ = identity_of({}, "", attributes);
  to_.begin_resource(attributes);
}

void cumulative_sink::begin_scope(const scope& s) {
  std::string own;
  put_bytes(own, s.name);
  put_bytes(own, s.version);
  scope_ = identity_of(resource_, own, s.attributes);
  to_.begin_scope(s);
}

void cumulative_sink::begin_metric(const metric& m) {
  is_delta_ = m.aggregation == temporality::delta;
  kind_ = m.kind;
  if (!is_delta_)
    return to_.begin_metric(m);
  std::string own;
  put_bytes(own, m.name);
  put_bytes(own, m.unit);
  put_u8(own, static_cast<uint8_t>(m.kind));
  put_u8(own, m.monotonic ? 1 : 0);
  metric_ = identity_of(scope_, own, {});
  metric converted = m;
  converted.aggregation = temporality::cumulative;
  to_.begin_metric(converted);
}

void cumulative_sink::add(const data_point& p) {
  // The end of a series is no delta.
  if (!is_delta_ || p.no_value)
    return to_.add(p);
  data_point sum = p;
  const auto why = streams_.add(identity_of(metric_, "", p.attributes), kind_, sum);
  if (why.empty())
    to_.add(sum);
  else
    refuse_(why);
}

}  // namespace troupe::otlp
