#include "pipeline/audit/canary.h"

#include "storage/base/check.h"
#include "storage/base/log.h"
#include "storage/model/slot.h"
#include "storage/model/tenant.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace troupe::audit {

namespace {

const logger log("audit");

constexpr std::string_view canary_name = "troupe_audit_canary";
constexpr std::string_view ledger_name = "troupe_audit_ledger";
/// Exact in a double.
constexpr int ledger_bits = 48;
constexpr int64_t window_ticks = 16;
constexpr int64_t hour_ms = 3'600'000;
constexpr int64_t ages_ms[] = {hour_ms, 6 * hour_ms, 24 * hour_ms, 7 * 24 * hour_ms,
                               30 * 24 * hour_ms};
/// Places that are remembered as counted.
constexpr size_t max_known = 100'000;

labels series_of(std::string_view name, std::string_view lane, int64_t interval_ms) {
  return labels::from({{"__name__", std::string(name)},
                       {"instance", std::string(lane)},
                       {"interval_ms", std::to_string(interval_ms)},
                       {"job", "troupe-audit"}});
}

}  // namespace

canary::canary(const canary_options& options, registry& r)
    : interval_ms_(options.interval_ms),
      missing_total_(
          r.get_counter("troupe_audit_missing_total",
                        "Acknowledged samples of the canary that a query did not give back.")),
      doubled_total_(r.get_counter("troupe_audit_doubled_total",
                                   "Samples of the canary that came more than once.")),
      wrong_total_(r.get_counter("troupe_audit_wrong_total",
                                 "Samples of the canary with another value than written.")),
      checked_(r.get_counter("troupe_audit_checked_total",
                             "Expected samples of the canary that were looked for.")),
      failed_(r.get_counter("troupe_audit_reads_failed_total",
                            "Reads of the canary that gave an error.")),
      acked_total_(r.get_counter("troupe_audit_acknowledged_total",
                                 "Batches of the canary that were stored.")) {
  TROUPE_CHECK(options.shards > 0 && options.interval_ms > 0);
  // The first name that falls into each shard; slots are a hash, so a few hundred names reach all.
  std::vector<std::string> by_shard(options.shards);
  size_t left = options.shards;
  for (uint32_t n = 0; left > 0; ++n) {
    auto name = std::to_string(n);
    auto& mine = by_shard[slot_of(audit_tenant, series_of(canary_name, name, interval_ms_)) %
                          options.shards];
    if (mine.empty()) {
      mine = std::move(name);
      --left;
    }
  }
  std::vector<labels> series;
  for (const auto& lane : by_shard) {
    series.push_back(series_of(canary_name, lane, interval_ms_));
    series.push_back(series_of(ledger_name, lane, interval_ms_));
  }
  lanes_ = std::move(by_shard);
  table_ = make_series_table(audit_tenant, std::move(series));
}

timestamp_ms canary::tick_of(timestamp_ms t) const {
  timestamp_ms rest = t % interval_ms_;
  return t - (rest < 0 ? rest + interval_ms_ : rest);
}

int64_t canary::until_next(timestamp_ms now) const {
  return tick_of(now) + interval_ms_ - now;
}

bool canary::acked(timestamp_ms tick) const {
  auto run = acked_.upper_bound(tick);
  return run != acked_.begin() && std::prev(run)->second >= tick;
}

uint64_t canary::ledger_before(timestamp_ms tick) const {
  uint64_t bits = 0;
  for (int i = 0; i < ledger_bits; ++i)
    if (acked(tick - (i + 1) * interval_ms_))
      bits |= uint64_t{1} << i;
  return bits;
}

batch_ptr canary::due(timestamp_ms now) {
  const timestamp_ms tick = tick_of(now);
  if (tick == last_)
    return nullptr;
  last_ = tick;
  auto batch = std::make_shared<write_batch>();
  batch->tenant = audit_tenant;
  batch->table = table_;
  const auto ledger = static_cast<double>(ledger_before(tick));
  for (uint32_t i = 0; i < lanes_.size(); ++i) {
    batch->floats.push_back({tick, static_cast<double>(tick), 2 * i});
    batch->floats.push_back({tick, ledger, 2 * i + 1});
  }
  return batch;
}

void canary::acknowledged(const write_batch& batch) {
  const timestamp_ms tick = batch.floats.front().ts;
  acked_total_.add();
  if (acked(tick))
    return;
  timestamp_ms first = tick, last = tick;
  if (auto after = acked_.find(tick + interval_ms_); after != acked_.end()) {
    last = after->second;
    acked_.erase(after);
  }
  if (auto before = acked_.lower_bound(tick);
      before != acked_.begin() && (--before)->second == tick - interval_ms_)
    first = before->first;
  acked_[first] = last;
}

void canary::forget_before(timestamp_ms oldest) {
  while (!acked_.empty() && acked_.begin()->second < oldest)
    acked_.erase(acked_.begin());
  if (acked_.empty() || acked_.begin()->first >= oldest)
    return;
  const timestamp_ms last = acked_.begin()->second;
  acked_.erase(acked_.begin());
  acked_[tick_of(oldest - 1) + interval_ms_] = last;
}

std::vector<canary::read> canary::reads(timestamp_ms now, int64_t reach_ms) {
  const int64_t window = window_ticks * interval_ms_;
  if (reach_ms < now)
    forget_before(now - reach_ms);
  const auto text = fmt::format("{{__name__=~\"{}|{}\",interval_ms=\"{}\"}}[{}ms]", canary_name,
                                ledger_name, interval_ms_, window);
  std::vector<read> out;
  if (window <= reach_ms)
    out.push_back({text, now});
  const int64_t age = ages_ms[next_age_++ % std::size(ages_ms)];
  if (age > window && age <= reach_ms - window)
    out.push_back({text, now - age});
  return out;
}

bool canary::count(counter& c, std::set<place>& known, place where) {
  if (!known.insert(std::move(where)).second)
    return false;
  c.add();
  if (known.size() > max_known)
    known.erase(known.begin());
  return true;
}

void canary::take(const query::matrix_series& series, bool ledger, timestamp_ms from,
                  timestamp_ms to, lane& into, const std::string& name) {
  for (const auto& p : series.floats) {
    if (!ledger) {
      ++into.found[p.ts];
      if (p.value != static_cast<double>(p.ts) && count(wrong_total_, wrong_, {name, p.ts}))
        log.error("lane {}: the sample of {} has the value {}", name, p.ts, p.value);
      continue;
    }
    if (!(p.value >= 0 && p.value < std::ldexp(1.0, ledger_bits)) ||
        p.value != std::floor(p.value)) {
      if (count(wrong_total_, wrong_, {name + " ledger", p.ts}))
        log.error("lane {}: the ledger of {} has the value {}", name, p.ts, p.value);
      continue;
    }
    const auto bits = static_cast<uint64_t>(p.value);
    for (int i = 0; i < ledger_bits; ++i) {
      const timestamp_ms tick = p.ts - (i + 1) * interval_ms_;
      if ((bits >> i & 1) != 0 && tick > from && tick <= to)
        into.expected.insert(tick);
    }
  }
}

void canary::check(const read& what, const query::matrix_value& got) {
  // A range selector is open at its start.
  const timestamp_ms from = what.at - window_ticks * interval_ms_;
  std::map<std::string, lane> lanes;
  for (const auto& name : lanes_)
    for (timestamp_ms tick = tick_of(from) + interval_ms_; tick <= what.at; tick += interval_ms_)
      if (acked(tick))
        lanes[name].expected.insert(tick);
  for (const auto& series : got) {
    const std::string name(series.metric.get("instance"));
    take(series, series.metric.get("__name__") == ledger_name, from, what.at, lanes[name], name);
  }
  for (const auto& [name, l] : lanes) {
    for (const timestamp_ms tick : l.expected) {
      checked_.add();
      if (!l.found.contains(tick) && count(missing_total_, missing_, {name, tick}))
        log.error("lane {}: the acknowledged sample of {} is missing", name, tick);
    }
    for (const auto& [ts, times] : l.found)
      if (times > 1 && count(doubled_total_, doubled_, {name, ts}))
        log.error("lane {}: the sample of {} came {} times", name, ts, times);
  }
}

}  // namespace troupe::audit
