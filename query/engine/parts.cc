// Parts of an expression that are evaluated at the places of their series: asked for, and merged.
#include "query/engine/parts.h"

#include "query/engine/accumulators.h"
#include "query/engine/evaluator.h"
#include "query/engine/grouping.h"
#include "query/engine/parting.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

namespace troupe::query {
namespace {

using merged = std::optional<step_vector>;

uint64_t bytes_of(const std::vector<matrix_value>& answers) {
  uint64_t out = 0;
  for (const matrix_value& place : answers)
    for (const matrix_series& s : place) {
      out += sizeof(s) + s.metric.heap_bytes() + s.floats.size() * sizeof(float_point);
      for (const histogram_point& p : s.histograms)
        out += sample_weight(*p.value) * 16;
    }
  return out;
}

/// Puts the points of an answer to the steps of a grid.
class step_reader {
 public:
  explicit step_reader(const step_grid& grid) : grid_(grid) {}

  status read(const matrix_series& s, step_scratch& out) const {
    out.reset(grid_.count);
    int64_t before = -1;
    for (const float_point& p : s.floats) {
      TROUPE_TRY(next(p.ts, before));
      if (is_absent(p.value))
        return {errc::internal, "a place answered with a stale marker"};
      out.set(static_cast<uint32_t>(before), p.value);
    }
    before = -1;
    for (const histogram_point& p : s.histograms) {
      TROUPE_TRY(next(p.ts, before));
      if (out.has(static_cast<uint32_t>(before)))
        return {errc::internal, "a place answered with two points at one time"};
      out.set(static_cast<uint32_t>(before), p.value);
    }
    return {};
  }

 private:
  status next(timestamp_ms ts, int64_t& step) const {
    int64_t since = 0;
    if (__builtin_sub_overflow(ts, grid_.start, &since) || since % grid_.step != 0 ||
        since / grid_.step <= step || since / grid_.step >= grid_.count)
      return {errc::internal, "a place answered with a point at " + std::to_string(ts) +
                                  " ms, which is not the next of the query's steps"};
    step = since / grid_.step;
    return {};
  }

  const step_grid& grid_;
};

/// Which zeros a vector has.
struct zeros {
  bool positive = false;
  bool negative = false;

  void see(const step_scratch& s) {
    for (const double v : s.values)
      if (v == 0)
        (std::signbit(v) ? negative : positive) = true;
  }
  bool both() const { return positive && negative; }
};

template <class Less>
void reorder(std::vector<step_series>& series, std::span<const uint32_t> members, Less less) {
  std::vector<uint32_t> order(members.begin(), members.end());
  std::stable_sort(order.begin(), order.end(), less);
  std::vector<step_series> sorted;
  sorted.reserve(order.size());
  for (const uint32_t i : order)
    sorted.push_back(std::move(series[i]));
  for (size_t i = 0; i < members.size(); ++i)
    series[members[i]] = std::move(sorted[i]);
}

// By labels, with a metric name that they no longer have.
void sort_by_labels(std::vector<step_series>& series, const std::string& name) {
  // In front of all other labels the same name makes no difference.
  const bool named = !name.empty() && std::any_of(series.begin(), series.end(), [](const auto& s) {
    return !s.metric.empty() && s.metric.begin()->name < metric_name_label;
  });
  std::vector<labels> keys;
  keys.reserve(series.size());
  for (const step_series& s : series) {
    keys.push_back(s.metric);
    if (named) {
      labels_builder b(s.metric);
      keys.back() = b.set(metric_name_label, name).build();
    }
  }
  std::vector<uint32_t> all(series.size());
  std::iota(all.begin(), all.end(), 0U);
  reorder(series, all, [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
}

/// The order of topk and bottomk: the best first, NaN last.
struct better_value {
  bool top;
  bool operator()(double a, double b) const {
    if (std::isnan(a) || std::isnan(b))
      return !std::isnan(a) && std::isnan(b);
    return top ? a > b : a < b;
  }
};

// As topk and bottomk leave their groups at an instant.
void sort_by_value(step_vector& v, const aggregate_expr& ranked) {
  const better_value better{ranked.op == agg_op::topk};
  std::vector<step_series> out;
  out.reserve(v.series.size());
  for (const series_group& g : group_series(v, ranked)) {
    reorder(v.series, g.members, [&](uint32_t a, uint32_t b) {
      return better(v.series[a].values[0], v.series[b].values[0]);
    });
    for (const uint32_t i : g.members)
      out.push_back(std::move(v.series[i]));
  }
  v.series = std::move(out);
}

/// Makes the value of a part of the answers to it.
class part_merger {
 public:
  part_merger(const parted_node& part, std::string_view label, const step_grid& grid,
              budget& limits, std::vector<uint64_t>& points)
      : part_(part), label_(label), grid_(grid), limits_(limits), points_(points) {}

  /// Nothing where the answers leave something open.
  result<merged> run(std::vector<matrix_value>& answers) {
    held raw(limits_);
    TROUPE_TRY(raw.add(0, bytes_of(answers)));
    points_.assign(grid_.count, 0);
    step_vector out(limits_);
    const bool ranks = part_.merge == part_merge::rank;
    TROUPE_TRY(ranks || part_.merge == part_merge::unite ? unite(answers, out)
                                                         : combine(answers, out));
    if (ranks)
      TROUPE_TRY(keep_best(out));
    if (ambiguous_ || (part_.used == order_use::of_zeros && !part_.ordered && zeros_.both()))
      return merged();
    sort_by_labels(out.series, part_.ordered ? part_.name : std::string());
    if (part_.ranked && grid_.count == 1)
      sort_by_value(out, *part_.ranked);
    return merged(std::move(out));
  }

 private:
  status read(const matrix_series& s) {
    TROUPE_TRY(limits_.check());
    TROUPE_TRY(step_reader(grid_).read(s, scratch_));
    if (part_.merge != part_merge::unite && !scratch_.histograms.empty())
      return {errc::internal, "a place answered with histograms to an aggregation of floats"};
    for (uint32_t i = 0; i < grid_.count; ++i)
      points_[i] += scratch_.has(i) ? 1 : 0;
    return {};
  }

  status unite(std::vector<matrix_value>& answers, step_vector& out) {
    std::unordered_map<std::string, size_t> places;
    for (size_t place = 0; place < answers.size(); ++place) {
      for (matrix_series& s : answers[place]) {
        const auto [at, added] = places.emplace(s.metric.get(label_), place);
        if (at->second != place)
          return {errc::internal, "two places answered with series of " + std::string(label_) +
                                      "=\"" + at->first + "\""};
        TROUPE_TRY(read(s));
        zeros_.see(scratch_);
        TROUPE_TRY(out.push(std::move(s.metric), false, scratch_));
        s = {};
      }
    }
    return reject_same_labelset(out);
  }

  // Groups that lie in several places.
  status combine(std::vector<matrix_value>& answers, step_vector& out) {
    label_index groups;
    std::vector<std::pair<labels, std::vector<double>>> found;
    held columns(limits_);
    for (matrix_value& place : answers) {
      for (matrix_series& s : place) {
        TROUPE_TRY(read(s));
        const auto [at, added] = groups.add(s.metric);
        if (added) {
          TROUPE_TRY(columns.add(0, grid_.count * sizeof(double)));
          found.emplace_back(std::move(s.metric), std::vector<double>(grid_.count, absent()));
        }
        for (uint32_t i = 0; i < grid_.count; ++i)
          if (!is_absent(scratch_.values[i]))
            combine(found[at].second[i], scratch_.values[i]);
        s = {};
      }
    }
    for (auto& [metric, values] : found) {
      scratch_.reset(grid_.count);
      scratch_.values = std::move(values);
      zeros_.see(scratch_);
      TROUPE_TRY(out.push(std::move(metric), false, scratch_));
    }
    return {};
  }

  // Each place has given one more than is wanted: who is best here is among them, unless the last
  // one is as good as one that is left out.
  status keep_best(step_vector& v) {
    held columns(limits_);
    std::vector<std::vector<double>> kept;
    for (const step_series& s : v.series) {
      TROUPE_TRY(columns.add(0, s.values.size() * sizeof(double)));
      kept.emplace_back(s.values.size(), absent());
    }
    const std::vector<series_group> groups = group_series(v, *part_.ranked);
    const better_value better{part_.ranked->op == agg_op::topk};
    std::vector<std::pair<double, uint32_t>> found;
    for (uint32_t step = 0; step < grid_.count && !ambiguous_; ++step) {
      TROUPE_TRY(limits_.spend(v.series.size()));
      for (const series_group& g : groups) {
        found.clear();
        for (const uint32_t i : g.members)
          if (const double x = v.series[i].value_at(step); !is_absent(x))
            found.emplace_back(x, i);
        std::sort(found.begin(), found.end(),
                  [&](const auto& a, const auto& b) { return better(a.first, b.first); });
        if (found.size() > part_.best) {
          ambiguous_ = ambiguous_ || !better(found[part_.best - 1].first, found[part_.best].first);
          found.resize(part_.best);
        }
        for (const auto& [x, i] : found)
          kept[i][step - v.series[i].first] = x;
      }
    }
    for (size_t i = 0; i < kept.size(); ++i)
      v.series[i].values = std::move(kept[i]);
    std::erase_if(v.series, [](const step_series& s) {
      return std::all_of(s.values.begin(), s.values.end(), is_absent);
    });
    return {};
  }

  void combine(double& total, double v) {
    switch (part_.merge) {
      case part_merge::count:
        total = is_absent(total) ? v : total + v;
        return;
      case part_merge::min:
        return extreme<false>(total, v);
      case part_merge::max:
        return extreme<true>(total, v);
      default:
        total = 1;
    }
  }
  // Which of 0 and -0 it is depends on the series that comes first.
  template <bool Max>
  void extreme(double& best, double v) {
    if (best == 0 && v == 0 && std::signbit(best) != std::signbit(v))
      ambiguous_ = true;
    if (std::isnan(best) || (Max ? best < v : best > v))
      best = v;
  }

  const parted_node& part_;
  std::string_view label_;
  const step_grid& grid_;
  budget& limits_;
  std::vector<uint64_t>& points_;  ///< of the answers, at each step
  step_scratch scratch_;
  zeros zeros_;
  bool ambiguous_ = false;
};

/// While it lives nothing is asked for.
class parts_pause {
 public:
  explicit parts_pause(query_state& state) : state_(state), was_(state.parted) {
    state.parted = nullptr;
  }
  ~parts_pause() { state_.parted = was_; }
  parts_pause(const parts_pause&) = delete;
  parts_pause& operator=(const parts_pause&) = delete;

 private:
  query_state& state_;
  const parting* was_;
};

}  // namespace

result<std::optional<step_vector>> evaluator::from_places(const expr& e) {
  // Below subqueries, on other grids than the query's, there are no parts. One that does not depend
  // on the step is asked for at one.
  const parted_node* const part = state_.parted ? state_.parted->find(e) : nullptr;
  if (!part)
    return merged();
  const bool at_all_steps = times_used_ == 1 && state_.times.step_ms > 0;
  const query_part asked{.root = *part->root,
                         .start = grid_.start,
                         .end = at_all_steps ? state_.times.end : grid_.start,
                         .step_ms = at_all_steps ? state_.times.step_ms : 0,
                         .lookback_ms = state_.lookback_ms};
  TROUPE_ASSIGN(auto answers, state_.parts->evaluate(asked));
  TROUPE_TRY(state_.limits.check());
  if (!answers) {
    // Who did not take the whole is not asked for less.
    const parts_pause pause(state_);
    TROUPE_ASSIGN(step_vector out, vector_node(e));
    return merged(std::move(out));
  }
  std::vector<uint64_t> points;
  TROUPE_ASSIGN(merged out,
                part_merger(*part, state_.parts->parting_label(), grid_, state_.limits, points)
                    .run(*answers));
  if (!out)
    return merged();
  for (uint32_t i = 0; i < grid_.count; ++i) {
    count_samples(i, points[i]);
    state_.stats.samples_read += points[i];
  }
  return out;
}

}  // namespace troupe::query
