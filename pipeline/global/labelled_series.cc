#include "pipeline/global/labelled_series.h"

#include <algorithm>
#include <vector>

namespace troupe::global {
namespace {

using storage::sample_columns;
using storage::sample_summary;

// Appends what `from` has within the bounds.
void append_within(const sample_columns& from, timestamp_ms mint, timestamp_ms maxt,
                   sample_columns& out) {
  for (size_t i = 0; i < from.ts.size(); ++i) {
    if (from.ts[i] < mint || from.ts[i] > maxt)
      continue;
    if (!from.start_ts.empty()) {
      out.start_ts.resize(out.ts.size(), no_start_timestamp);
      out.start_ts.push_back(from.start_ts[i]);
    }
    out.ts.push_back(from.ts[i]);
    out.values.push_back(from.values[i]);
  }
  if (!out.start_ts.empty())
    out.start_ts.resize(out.ts.size(), no_start_timestamp);
  for (const auto& row : from.histograms)
    if (row.ts >= mint && row.ts <= maxt)
      out.histograms.push_back(row);
}

// The label comes at the end of a series whose other labels all are before it. Then the series
// stands behind those that have its labels and more of them: {a} < {a,b}, but {a,b,region} <
// {a,region}. Nothing else changes its place, so that a stack of such series is enough.
class labelled_series final : public storage::series_set {
 public:
  labelled_series(std::unique_ptr<storage::series_set> from, std::string name, std::string value,
                  timestamp_ms mint, timestamp_ms maxt)
      : from_(std::move(from)),
        name_(std::move(name)),
        value_(std::move(value)),
        mint_(mint),
        maxt_(maxt) {}

  bool next() override {
    if (!begun_) {
      begun_ = true;
      advance();
    } else if (on_held_) {
      held_.pop_back();
    } else if (ahead_) {
      advance();
    }
    // What is ahead goes first as long as it has the labels of the last one held and more.
    while (ahead_ && error_.ok()) {
      if (!held_.empty() && !extends(ahead_plain_, held_.back().plain))
        break;
      if (!moves_back(ahead_plain_)) {
        on_held_ = false;
        return true;
      }
      hold();
    }
    on_held_ = true;
    return error_.ok() && !held_.empty();
  }

  const labels& series() const override { return on_held_ ? held_.back().full : ahead_full_; }

  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    if (!on_held_)
      return from_->read(mint, maxt, out);
    append_within(held_.back().samples, mint, maxt, out);
    return {};
  }
  status read_summarized(timestamp_ms mint, timestamp_ms maxt, sample_columns& out,
                         std::vector<sample_summary>& runs) override {
    return on_held_ ? read(mint, maxt, out) : from_->read_summarized(mint, maxt, out, runs);
  }
  status error() const override { return error_; }

 private:
  struct held_series {
    labels plain, full;
    sample_columns samples;
  };

  void advance() {
    ahead_ = from_->next();
    if (!ahead_) {
      error_ = from_->error();
      return;
    }
    ahead_plain_ = from_->series();
    builder_.reset(ahead_plain_);
    builder_.set(name_, value_);
    ahead_full_ = builder_.build();
  }

  void hold() {
    held_series h{ahead_plain_, ahead_full_, {}};
    error_ = from_->read(mint_, maxt_, h.samples);
    held_.push_back(std::move(h));
    if (error_.ok())
      advance();
  }

  bool moves_back(const labels& plain) const {
    return std::all_of(plain.begin(), plain.end(),
                       [&](const label_view& l) { return l.name < name_; });
  }
  // `longer` begins with the labels of `shorter` and goes on with one that stands before the label.
  bool extends(const labels& longer, const labels& shorter) const {
    auto at = longer.begin();
    for (const label_view& l : shorter) {
      if (at == longer.end() || *at != l)
        return false;
      ++at;
    }
    return at != longer.end() && at->name < name_;
  }

  const std::unique_ptr<storage::series_set> from_;
  const std::string name_, value_;
  const timestamp_ms mint_, maxt_;
  labels_builder builder_;
  bool begun_ = false;
  bool ahead_ = false;  ///< `from_` stands at a series that was not given out yet, or is current
  labels ahead_plain_, ahead_full_;
  std::vector<held_series> held_;
  bool on_held_ = false;  ///< the current series is the last one held
  status error_;
};

}  // namespace

std::unique_ptr<storage::series_set> with_label(std::unique_ptr<storage::series_set> from,
                                                std::string name, std::string value,
                                                timestamp_ms mint, timestamp_ms maxt) {
  return std::make_unique<labelled_series>(std::move(from), std::move(name), std::move(value), mint,
                                           maxt);
}

}  // namespace troupe::global
