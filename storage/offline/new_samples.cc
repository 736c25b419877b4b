#include "storage/offline/new_samples.h"

#include "storage/chunk/columns.h"

#include <algorithm>
#include <bit>

namespace troupe::storage {
namespace {

timestamp_ms start_of(const sample_columns& c, size_t i) {
  return c.start_ts.empty() ? no_start_timestamp : c.start_ts[i];
}

// True if the float of `incoming` at `i` adds nothing to the one of `existing` at `k`.
bool is_known(const sample_columns& existing, size_t k, const sample_columns& incoming, size_t i) {
  const double a = existing.values[k], b = incoming.values[i];
  if (std::bit_cast<uint64_t>(a) != std::bit_cast<uint64_t>(b))
    return loses_against(b, a);
  return start_of(incoming, i) <= start_of(existing, k);
}

bool is_vague(counter_reset_hint hint) {
  return hint == counter_reset_hint::unknown || hint == counter_reset_hint::not_reset;
}

// Which of the two vague hints a histogram has depends on where a chunk began, not on its data.
bool is_same(const histogram& a, const histogram& b) {
  if (a.hint == b.hint || !is_vague(a.hint) || !is_vague(b.hint))
    return a == b;
  histogram c = b;
  c.hint = a.hint;
  return a == c;
}

bool is_known(const sample_columns::histogram_row& existing,
              const sample_columns::histogram_row& incoming) {
  if (!is_same(*existing.value, *incoming.value))
    return loses_against(*incoming.value, *existing.value);
  return incoming.start_ts <= existing.start_ts;
}

// The place of `ts` in an ascending column, or its size.
size_t find(const std::vector<timestamp_ms>& column, timestamp_ms ts) {
  const auto at = std::lower_bound(column.begin(), column.end(), ts);
  return static_cast<size_t>((at != column.end() && *at == ts ? at : column.end()) -
                             column.begin());
}

const sample_columns::histogram_row* find_histogram(const sample_columns& c, timestamp_ms ts) {
  const auto at = std::lower_bound(c.histograms.begin(), c.histograms.end(), ts,
                                   [](const auto& row, timestamp_ms t) { return row.ts < t; });
  return at != c.histograms.end() && at->ts == ts ? &*at : nullptr;
}

class new_samples_set final : public series_set {
 public:
  new_samples_set(std::unique_ptr<series_set> source, std::unique_ptr<series_set> existing,
                  const sample_filter& filter, new_sample_counts& counts,
                  const std::function<void(uint64_t)>& on_progress)
      : source_(std::move(source)),
        existing_(std::move(existing)),
        filter_(filter),
        counts_(counts),
        on_progress_(on_progress) {
    advance();
  }

  bool next() override {
    while (source_->next()) {
      if (!filter_.wants(source_->series()))
        continue;
      while (existing_ && existing_->series() < source_->series())
        advance();
      return true;
    }
    return false;
  }
  const labels& series() const override { return source_->series(); }
  status error() const override { return error_.ok() ? source_->error() : error_; }

  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    TROUPE_TRY(error_);
    mint = std::max(mint, filter_.mint);
    maxt = std::min(maxt, filter_.maxt);
    if (mint > maxt)
      return {};
    TROUPE_TRY(source_->read(mint, maxt, out));
    const size_t samples = out.ts.size() + out.histograms.size();
    counts_.series += samples != 0 ? 1 : 0;
    counts_.read += samples;
    counts_.histograms += out.histograms.size();
    if (samples != 0 && existing_ && existing_->series() == source_->series()) {
      known_.clear();
      TROUPE_TRY(existing_->read(mint, maxt, known_));
      drop_known(known_, out);
      counts_.known += samples - out.ts.size() - out.histograms.size();
    }
    if (on_progress_)
      on_progress_(counts_.read);
    return {};
  }

 private:
  void advance() {
    if (existing_ && !existing_->next()) {
      error_ = existing_->error();
      existing_.reset();
    }
  }

  std::unique_ptr<series_set> source_, existing_;
  const sample_filter& filter_;
  new_sample_counts& counts_;
  const std::function<void(uint64_t)>& on_progress_;
  sample_columns known_;
  status error_;
};

}  // namespace

bool sample_filter::wants(const labels& series) const {
  return selectors.empty() || std::any_of(selectors.begin(), selectors.end(),
                                          [&](const auto& ms) { return matches_all(ms, series); });
}

void drop_known(const sample_columns& existing, sample_columns& incoming) {
  size_t kept = 0;
  for (size_t i = 0; i < incoming.ts.size(); ++i) {
    const timestamp_ms ts = incoming.ts[i];
    const size_t k = find(existing.ts, ts);
    if (find_histogram(existing, ts) != nullptr ||
        (k < existing.ts.size() && is_known(existing, k, incoming, i)))
      continue;
    incoming.ts[kept] = ts;
    incoming.values[kept] = incoming.values[i];
    if (!incoming.start_ts.empty())
      incoming.start_ts[kept] = incoming.start_ts[i];
    ++kept;
  }
  incoming.ts.resize(kept);
  incoming.values.resize(kept);
  incoming.start_ts.resize(std::min(incoming.start_ts.size(), kept));
  std::erase_if(incoming.histograms, [&](const auto& row) {
    const auto* known = find_histogram(existing, row.ts);
    return known != nullptr && is_known(*known, row);
  });
}

std::unique_ptr<series_set> new_samples(std::unique_ptr<series_set> source,
                                        std::unique_ptr<series_set> existing,
                                        const sample_filter& filter, new_sample_counts& counts,
                                        const std::function<void(uint64_t)>& on_progress) {
  return std::make_unique<new_samples_set>(std::move(source), std::move(existing), filter, counts,
                                           on_progress);
}

}  // namespace troupe::storage
