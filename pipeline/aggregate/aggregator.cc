#include "pipeline/aggregate/aggregator.h"

#include "storage/base/hash.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace troupe::aggregate {
namespace {

timestamp_ms at_or_before(timestamp_ms t, int64_t unit) {
  const timestamp_ms rest = t % unit;
  return t - (rest < 0 ? rest + unit : rest);
}

/// The multiple of `unit` that ends (end - unit, end] with t in it.
timestamp_ms at_or_after(timestamp_ms t, int64_t unit) {
  const timestamp_ms before = at_or_before(t, unit);
  return before == t ? t : before + unit;
}

uint64_t key_of(const labels& series, timestamp_ms ts) {
  return xxh3(std::string_view(reinterpret_cast<const char*>(&ts), sizeof ts), series.hash());
}

}  // namespace

aggregator::aggregator(rule_ptr r, timestamp_ms begun)
    : rule_(std::move(r)),
      begun_(begun),
      closed_(at_or_before(begun, rule_->step_ms())),
      first_end_(at_or_after(begun, rule_->interval_ms()) + rule_->interval_ms()) {}

timestamp_ms aggregator::interval_end(timestamp_ms ts) const {
  return at_or_after(ts, rule_->interval_ms());
}

uint32_t aggregator::group_for(const labels& key) {
  const auto [at, made] = by_key_.try_emplace(key, 0);
  if (!made)
    return at->second;
  auto g = std::make_unique<group>(*rule_, key);
  if (free_groups_.empty()) {
    at->second = static_cast<uint32_t>(groups_.size());
    groups_.push_back(std::move(g));
  } else {
    at->second = free_groups_.back();
    free_groups_.pop_back();
    groups_[at->second] = std::move(g);
  }
  return at->second;
}

uint32_t aggregator::find_or_make(const labels& series) {
  const auto [at, made] = by_series_.try_emplace(series, 0);
  if (!made)
    return at->second;
  if (free_inputs_.empty()) {
    at->second = static_cast<uint32_t>(inputs_.size());
    inputs_.emplace_back();
  } else {
    at->second = free_inputs_.back();
    free_inputs_.pop_back();
  }
  input& in = inputs_[at->second];
  in.series = series;
  in.group = group_for(rule_->group_of(series));
  ++groups_[in.group]->members;
  order_.push_back(at->second);
  ++new_;
  return at->second;
}

uint32_t aggregator::add(uint32_t i, const labels& series, timestamp_ms ts, double value) {
  if (std::isnan(value))
    return i;
  ++counts_.samples;
  if (ts <= closed_ && ts > begun_) {
    ++counts_.late;
    return i;
  }
  if (i >= inputs_.size() || !inputs_[i].series.same_object(series))
    i = find_or_make(series);
  input& in = inputs_[i];
  if (ts <= closed_) {
    // Of the time before the rule: what the first increase is counted from.
    if (ts > in.last_ts) {
      in.last_ts = ts;
      in.last = value;
      in.known = true;
      next_stale_ = std::min(next_stale_, ts + rule_->staleness_ms());
    }
    return i;
  }
  in.waiting.push_back({ts, value});
  ++waiting_;
  return i;
}

void aggregator::put_in_order() {
  if (new_ == 0)
    return;
  const auto before = [&](uint32_t a, uint32_t b) {
    const labels &x = inputs_[a].series, &y = inputs_[b].series;
    return x.hash() != y.hash() ? x.hash() < y.hash() : x < y;
  };
  const auto middle = order_.end() - static_cast<ptrdiff_t>(new_);
  std::sort(middle, order_.end(), before);
  std::inplace_merge(order_.begin(), middle, order_.end(), before);
  new_ = 0;
}

void aggregator::take_in(input& in, const sample& s) {
  group& g = *groups_[in.group];
  const timestamp_ms end = interval_end(s.ts);
  if (in.known && s.ts - in.last_ts > rule_->staleness_ms())
    in.known = false;
  if (in.interval != end) {
    in.interval = end;
    in.rate_from = in.known ? in.last_ts : s.ts;
    in.increase = 0;
    g.add_series();
  }
  g.add(*rule_, key_of(in.series, s.ts), s.ts, s.value);
  if (rule_->counts_increases()) {
    if (in.known) {
      const double delta = s.value >= in.last ? s.value - in.last : s.value;
      in.increase += delta;
      g.add_increase(delta, false);
    } else if (s.ts > begun_ + rule_->ignore_first_sample_ms()) {
      g.add_increase(s.value, true);
    }
  }
  in.known = true;
  in.last_ts = s.ts;
  in.last = s.value;
}

void aggregator::close_input(input& in, timestamp_ms end) {
  auto& all = in.waiting;
  // Of one time the value that storage keeps comes last.
  const auto before = [](const sample& a, const sample& b) {
    return a.ts != b.ts ? a.ts < b.ts : loses_against(a.value, b.value);
  };
  if (!std::is_sorted(all.begin(), all.end(), before))
    std::sort(all.begin(), all.end(), before);
  const int64_t unit = std::max<int64_t>(rule_->dedup_interval_ms(), 1);
  size_t done = 0;
  for (; done < all.size() && all[done].ts <= end; ++done) {
    const bool replaced = done + 1 < all.size() &&
                          at_or_after(all[done].ts, unit) == at_or_after(all[done + 1].ts, unit);
    if (replaced)
      ++counts_.duplicates;
    else
      take_in(in, all[done]);
  }
  all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(done));
  waiting_ -= done;
  if (all.empty() && in.waiting.capacity() > 64)
    in.waiting.shrink_to_fit();
}

void aggregator::add_rates(timestamp_ms end) {
  constexpr double ms_per_s = 1000;
  for (const uint32_t i : order_) {
    const input& in = inputs_[i];
    if (in.interval == end && in.last_ts > in.rate_from)
      groups_[in.group]->add_rate(in.increase /
                                  (static_cast<double>(in.last_ts - in.rate_from) / ms_per_s));
  }
}

std::optional<aggregator::interval> aggregator::close_step() {
  const timestamp_ms end = closed_ + rule_->step_ms();
  if (waiting_ != 0) {
    put_in_order();
    for (const uint32_t i : order_)
      if (input& in = inputs_[i]; !in.waiting.empty())
        close_input(in, end);
    next_stale_ = std::min(next_stale_, closed_ + rule_->staleness_ms());
  }
  closed_ = end;
  if (end % rule_->interval_ms() != 0)
    return {};
  if (rule_->has_rates())
    add_rates(end);
  if (end > next_stale_)
    forget_stale(end);
  interval out{end, {}};
  for (const auto& g : groups_) {
    if (!g)
      continue;
    // Whatever waits for later intervals: all its members were silent for too long.
    if (g->last_ts() != min_time && g->last_ts() < end - rule_->staleness_ms())
      g->begin_anew();
    if (end >= first_end_ && g->last_ts() != min_time)
      g->append_outputs(*rule_, out.outputs);
    g->end_interval();
  }
  if (out.outputs.empty())
    return {};
  ++counts_.intervals;
  counts_.outputs += out.outputs.size();
  return out;
}

void aggregator::forget_input(uint32_t i) {
  input& in = inputs_[i];
  const uint32_t g = in.group;
  by_series_.erase(in.series);
  in = {};
  free_inputs_.push_back(i);
  if (--groups_[g]->members != 0)
    return;
  by_key_.erase(groups_[g]->key());
  groups_[g].reset();
  free_groups_.push_back(g);
}

void aggregator::forget_stale(timestamp_ms end) {
  const timestamp_ms oldest = end - rule_->staleness_ms();
  next_stale_ = max_time;
  put_in_order();
  std::erase_if(order_, [&](uint32_t i) {
    const input& in = inputs_[i];
    if (in.waiting.empty() && in.last_ts < oldest) {
      forget_input(i);
      return true;
    }
    if (in.waiting.empty())
      next_stale_ = std::min(next_stale_, in.last_ts + rule_->staleness_ms());
    return false;
  });
}

}  // namespace troupe::aggregate
