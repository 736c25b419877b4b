#include "storage/head/admission.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <unordered_map>

namespace troupe::storage {
namespace {

bool is_marker(const float_entry& e) {
  return is_stale(e.value);
}
bool is_marker(const histogram_entry& e) {
  return e.value->is_stale();
}

// Refuses the samples of new series beyond what the limits leave.
class series_limit {
 public:
  series_limit(const write_batch& batch, const table_refs& refs, const growth_limits& limits,
               append_report& report)
      : batch_(batch),
        refs_(refs),
        budgets_(limits.budgets),
        left_(limits.new_series_left),
        limited_(limits.any() && !refs.complete),
        report_(report) {}

  /// Null if it may come; else what counts its refused samples.
  uint64_t* refusal(uint32_t position) {
    if (!limited_ || refs_.refs[position] != nullptr)
      return nullptr;
    const uint32_t p = refs_.canonical_of(position);
    if (verdicts_.empty())
      verdicts_.resize(refs_.refs.size());
    if (verdicts_[p] == verdict::none)
      verdicts_[p] = judge(refs_.table->series[p]);
    switch (verdicts_[p]) {
      case verdict::over_limit:
        return &report_.new_series_refused;
      case verdict::over_budget:
        return &report_.over_budget;
      default:
        return nullptr;
    }
  }

  /// A stale marker of a series that is not there says nothing: it must not take the room of one
  /// that gets samples.
  template <class Entry>
  bool is_pointless(const Entry& e) const {
    return limited_ && budgets_ && refs_.refs[e.series] == nullptr && is_marker(e) &&
           budgets_->would_ask(batch_.tenant, refs_.table->series[e.series]);
  }

  uint64_t let_in() const { return let_in_; }

 private:
  enum class verdict : uint8_t { none, let_in, over_limit, over_budget };

  verdict judge(const labels& series) {
    if (left_ == 0)
      return verdict::over_limit;
    if (budgets_)
      if (const budget_counter* by = budgets_->admits(batch_.tenant, series)) {
        if (!report_.budget)
          report_.budget = describe(*by, series);
        return verdict::over_budget;
      }
    ++let_in_;
    left_ -= left_ != UINT64_MAX;
    return verdict::let_in;
  }

  std::shared_ptr<const std::string> describe(const budget_counter& by,
                                              const labels& series) const {
    const auto group = by.group_of(batch_.tenant, series);
    return std::make_shared<const std::string>("\"" + by.rule().name + "\" (" +
                                               std::to_string(by.limit()) + " series) of " +
                                               (group ? group->values : labels()).to_string());
  }

  const write_batch& batch_;
  const table_refs& refs_;
  budget_ledger* const budgets_;
  uint64_t left_;
  const bool limited_;
  append_report& report_;
  uint64_t let_in_ = 0;
  std::vector<verdict> verdicts_;  // per position
};

// True if a look at the order alone shows that no (series, timestamp) occurs twice.
template <class Entry>
bool surely_unique(const std::vector<Entry>& entries, const table_refs& refs) {
  if (!refs.canonical.empty())
    return entries.size() < 2;
  for (size_t i = 1; i < entries.size(); ++i) {
    const Entry &a = entries[i - 1], &b = entries[i];
    if (b.series < a.series || (b.series == a.series && b.ts <= a.ts))
      return false;
  }
  return true;
}

bool same_value(const float_entry& a, const float_entry& b) {
  return std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value);
}
bool same_value(const histogram_entry& a, const histogram_entry& b) {
  return *a.value == *b.value;
}

// Adds the second and later samples of each (series, timestamp) among those not refused yet.
template <class Entry>
void refuse_repeats(const std::vector<Entry>& entries, const table_refs& refs,
                    std::vector<uint32_t>& refused, refusals& out) {
  if (surely_unique(entries, refs))
    return;
  std::vector<std::tuple<uint32_t, timestamp_ms, uint32_t>> order;
  order.reserve(entries.size());
  auto skip = refused.begin();
  for (uint32_t i = 0; i < entries.size(); ++i) {
    if (skip != refused.end() && *skip == i)
      ++skip;
    else
      order.emplace_back(refs.canonical_of(entries[i].series), entries[i].ts, i);
  }
  std::sort(order.begin(), order.end());
  std::vector<uint32_t> repeats;
  size_t first = 0;
  for (size_t i = 1; i < order.size(); ++i) {
    const auto& [fs, fts, fi] = order[first];
    const auto& [s, ts, at] = order[i];
    if (s != fs || ts != fts) {
      first = i;
      continue;
    }
    repeats.push_back(at);
    ++(same_value(entries[fi], entries[at]) ? out.repeated_equal : out.repeated_different);
  }
  std::sort(repeats.begin(), repeats.end());
  std::vector<uint32_t> all;
  std::merge(refused.begin(), refused.end(), repeats.begin(), repeats.end(),
             std::back_inserter(all));
  refused = std::move(all);
}

template <class Entry>
void check_each(const std::vector<Entry>& entries, const time_bounds& bounds, series_limit& limit,
                std::vector<uint32_t>& refused, append_report& report) {
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const auto& e = entries[i];
    if (limit.is_pointless(e)) {
      refused.push_back(i);  // counts nowhere
      continue;
    }
    if (e.ts < bounds.oldest)
      ++report.too_old;
    else if (e.ts > bounds.newest)
      ++report.too_far_in_future;
    else if (uint64_t* refused_samples = limit.refusal(e.series))
      ++*refused_samples;
    else
      continue;
    refused.push_back(i);
  }
}

// Position -> time of its last sample that is not refused; empty if no exemplar needs it.
std::unordered_map<uint32_t, timestamp_ms> times_for_exemplars(const write_batch& batch,
                                                               const refusals& refused) {
  std::unordered_map<uint32_t, timestamp_ms> out;
  if (std::none_of(batch.exemplars.begin(), batch.exemplars.end(),
                   [](const exemplar_entry& e) { return e.value.ts == 0; }))
    return out;
  const auto take = [&](const auto& entries, const std::vector<uint32_t>& skipped) {
    auto skip = skipped.begin();
    for (uint32_t i = 0; i < entries.size(); ++i) {
      if (skip != skipped.end() && *skip == i)
        ++skip;
      else
        out[entries[i].series] = entries[i].ts;
    }
  };
  take(batch.floats, refused.floats);
  take(batch.histograms, refused.histograms);
  return out;
}

}  // namespace

refusals admit(const write_batch& batch, const table_refs& refs, const time_bounds& bounds,
               const growth_limits& limits, append_report& report) {
  refusals out;
  series_limit limit(batch, refs, limits, report);
  check_each(batch.floats, bounds, limit, out.floats, report);
  if (!out.floats.empty())
    report.first_refused = out.floats.front();
  check_each(batch.histograms, bounds, limit, out.histograms, report);
  report.accepted = batch.sample_count() - out.floats.size() - out.histograms.size();
  report.accepted_histograms = batch.histograms.size() - out.histograms.size();
  refuse_repeats(batch.floats, refs, out.floats, out);
  refuse_repeats(batch.histograms, refs, out.histograms, out);
  const auto times = times_for_exemplars(batch, out);
  for (uint32_t i = 0; i < batch.exemplars.size(); ++i) {
    const auto& e = batch.exemplars[i];
    const bool bad_time = e.value.ts == 0
                              ? !times.contains(e.series)
                              : e.value.ts < bounds.oldest || e.value.ts > bounds.newest;
    if (bad_time || limit.refusal(e.series) != nullptr)
      out.exemplars.push_back(i);
  }
  report.refused_exemplars = out.exemplars.size();
  report.accepted_exemplars = batch.exemplars.size() - out.exemplars.size();
  out.new_series = limit.let_in();
  return out;
}

batch_ptr with_exemplar_times(const batch_ptr& batch, const refusals& refused) {
  const auto times = times_for_exemplars(*batch, refused);
  if (times.empty())
    return batch;
  auto copy = std::make_shared<write_batch>(*batch);
  for (auto& e : copy->exemplars)
    if (const auto t = times.find(e.series); e.value.ts == 0 && t != times.end())
      e.value.ts = t->second;
  return copy;
}

}  // namespace troupe::storage
