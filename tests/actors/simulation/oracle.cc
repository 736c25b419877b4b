#include "tests/actors/simulation/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe::simulation {

namespace {

double value_of(uint64_t bits) {
  return std::bit_cast<double>(bits);
}

/// Written out once more, on purpose: the order of architecture, not the product's function.
int rank(uint64_t bits) {
  if (bits == stale_nan_bits)
    return 0;
  return std::isnan(value_of(bits)) ? 1 : 2;
}

/// IEEE totalOrder as an integer key.
int64_t total_key(uint64_t bits) {
  auto i = static_cast<int64_t>(bits);
  return i < 0 ? i ^ INT64_MAX : i;
}

bool less(uint64_t a, uint64_t b) {
  if (rank(a) != rank(b))
    return rank(a) < rank(b);
  return total_key(a) < total_key(b);
}

bool same_to_a_reader(uint64_t bits, double got) {
  double v = value_of(bits);
  // JSON has one NaN; every other value comes back bit for bit.
  return std::isnan(v) ? std::isnan(got) : bits == std::bit_cast<uint64_t>(got);
}

}  // namespace

std::vector<oracle::instant>::iterator oracle::history::from(timestamp_ms ts) {
  if (at.empty() || at.back().ts < ts)
    return at.end();
  return std::ranges::lower_bound(at, ts, {}, &instant::ts);
}

std::vector<oracle::instant>::const_iterator oracle::history::after(timestamp_ms ts) const {
  return std::ranges::upper_bound(at, ts, {}, &instant::ts);
}

oracle::candidates& oracle::history::values_at(timestamp_ms ts) {
  auto it = from(ts);
  if (it == at.end() || it->ts != ts)
    it = at.insert(it, {ts, {}});
  return it->values;
}

oracle::history& oracle::of(const labels& l) {
  auto [it, fresh] = by_hash_.try_emplace(l.hash(), all_.size());
  if (fresh) {
    all_.push_back({l.to_string(), {}, false});
    by_text_[all_.back().text] = it->second;
  }
  return all_[it->second];
}

void oracle::offered(const write_batch& b) {
  for (const auto& e : b.floats) {
    auto& list = of(b.table->series[e.series]).values_at(e.ts);
    uint64_t bits = std::bit_cast<uint64_t>(e.value);
    bool known = false;
    for (const auto& c : list)
      known = known || c.bits == bits;
    if (!known)
      list.push_back({bits, false});
    ++samples_;
  }
}

void oracle::acknowledged(const write_batch& b) {
  // Of several values of one series and timestamp in one batch the first counts.
  for (auto e = b.floats.begin(); e != b.floats.end(); ++e) {
    auto same = [&](const auto& x) { return x.series == e->series && x.ts == e->ts; };
    if (std::any_of(b.floats.begin(), e, same))
      continue;
    uint64_t bits = std::bit_cast<uint64_t>(e->value);
    for (auto& c : of(b.table->series[e->series]).values_at(e->ts)) {
      if (c.bits == bits)
        c.acked = true;
    }
  }
}

void oracle::deleted(std::string_view series, timestamp_ms mint, timestamp_ms maxt) {
  auto it = by_text_.find(std::string(series));
  if (it == by_text_.end())
    return;
  history& h = all_[it->second];
  h.at.erase(h.from(mint), h.after(maxt));
}

void oracle::forget(std::string_view series) {
  auto it = by_text_.find(std::string(series));
  if (it != by_text_.end())
    all_[it->second].ignored = true;
}

oracle::verdict oracle::judge(const candidates& cs) {
  verdict v;
  for (const auto& c : cs) {
    if (c.acked && (!v.must_exist || less(v.least, c.bits))) {
      v.must_exist = true;
      v.least = c.bits;
    }
  }
  return v;
}

std::string oracle::check(std::string_view series, timestamp_ms mint, timestamp_ms maxt,
                          const std::vector<point>& got) {
  auto it = by_text_.find(std::string(series));
  if (it == by_text_.end())
    return fmt::format("{} was never written", series);
  const history& h = all_[it->second];
  if (h.ignored)
    return {};
  auto next = got.begin();
  for (auto at = h.after(mint); at != h.at.end() && at->ts <= maxt; ++at) {
    if (next != got.end() && next->ts < at->ts)
      return fmt::format("{} @{}: a sample {} that was never written", series, next->ts,
                         next->value);
    verdict v = judge(at->values);
    if (next == got.end() || next->ts != at->ts) {
      // Nothing visible here: right if nothing must exist, or a stale marker may have won.
      bool invisible = !v.must_exist || v.least == stale_nan_bits;
      if (!invisible && !tolerant_)
        return fmt::format("{} @{}: the acknowledged {} is missing", series, at->ts,
                           value_of(v.least));
      tolerated_ += !invisible;
      continue;
    }
    bool explained = false;
    for (const auto& c : at->values) {
      bool allowed = !v.must_exist || tolerant_ || !less(c.bits, v.least);
      explained = explained ||
                  (allowed && c.bits != stale_nan_bits && same_to_a_reader(c.bits, next->value));
    }
    if (!explained)
      return fmt::format("{} @{}: {} is not the value that must win (acknowledged: {})", series,
                         at->ts, next->value, v.must_exist ? value_of(v.least) : std::nan(""));
    ++next;
    if (next != got.end() && next->ts == at->ts)
      return fmt::format("{} @{}: two samples for one timestamp", series, at->ts);
  }
  if (next != got.end())
    return fmt::format("{} @{}: a sample {} that was never written", series, next->ts, next->value);
  return {};
}

std::string oracle::check_log(std::string_view series, const std::vector<point>& got) {
  const auto it = by_text_.find(std::string(series));
  if (it == by_text_.end())
    return fmt::format("{} was never written", series);
  auto next = got.begin();
  for (const auto& at : all_[it->second].at) {
    const verdict v = judge(at.values);
    bool is_there = !v.must_exist;
    for (; next != got.end() && next->ts == at.ts; ++next) {
      const uint64_t bits = std::bit_cast<uint64_t>(next->value);
      if (std::ranges::find(at.values, bits, &candidate::bits) == at.values.end())
        return fmt::format("{} @{}: {} was never written", series, at.ts, next->value);
      is_there = is_there || !less(bits, v.least);
    }
    if (!is_there && !tolerant_)
      return fmt::format("{} @{}: the acknowledged {} is missing", series, at.ts,
                         value_of(v.least));
    tolerated_ += is_there ? 0 : 1;
  }
  if (next != got.end())
    return fmt::format("{} @{}: {} was never written", series, next->ts, next->value);
  return {};
}

std::vector<std::string> oracle::expected_series(std::string_view prefix, timestamp_ms mint,
                                                 timestamp_ms maxt) const {
  std::vector<std::string> out;
  for (const auto& h : all_) {
    if (h.ignored || tolerant_ || !std::string_view(h.text).starts_with(prefix))
      continue;
    for (auto at = h.after(mint); at != h.at.end() && at->ts <= maxt; ++at) {
      verdict v = judge(at->values);
      if (v.must_exist && v.least != stale_nan_bits) {
        out.push_back(h.text);
        break;
      }
    }
  }
  return out;
}

int64_t oracle::certain_count(std::string_view series, timestamp_ms mint, timestamp_ms maxt) const {
  auto it = by_text_.find(std::string(series));
  if (it == by_text_.end() || tolerant_ || all_[it->second].ignored)
    return -1;
  int64_t n = 0;
  const history& h = all_[it->second];
  for (auto at = h.after(mint); at != h.at.end() && at->ts <= maxt; ++at) {
    verdict v = judge(at->values);
    for (const auto& c : at->values) {
      if (!c.acked && (!v.must_exist || less(v.least, c.bits)))
        return -1;
    }
    n += v.least != stale_nan_bits;
  }
  return n;
}

}  // namespace troupe::simulation
