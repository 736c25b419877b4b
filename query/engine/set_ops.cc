// and, or, unless: series kept or dropped step by step by what the other side has.
#include "query/engine/evaluator.h"
#include "query/engine/grouping.h"

#include <algorithm>
#include <utility>

namespace troupe::query {
namespace {

// Where a side of the operation has a sample of each match group.
class presence {
 public:
  presence(const step_vector& side, const vector_matching& m, label_index& groups, uint32_t steps)
      : steps_(steps) {
    for (const step_series& s : side.series) {
      const uint32_t g = groups.add(group_labels(s.metric, m.labels, !m.on)).first;
      if (g >= present_.size())
        present_.resize(g + 1);
      if (present_[g].empty())
        present_[g].resize(steps_, 0);
      for (uint32_t i = s.first; i < s.end(); ++i)
        if (s.has(i))
          present_[g][i] = 1;
    }
  }
  bool at(uint32_t group, uint32_t step) const {
    return group < present_.size() && !present_[group].empty() && present_[group][step] != 0;
  }

 private:
  uint32_t steps_;
  std::vector<std::vector<uint8_t>> present_;
};

// Keeps the samples at which the other side has (or has not) one of their group.
void filter(step_vector& side, const vector_matching& m, label_index& groups, const presence& other,
            bool keep_where_present) {
  for (step_series& s : side.series) {
    const uint32_t g = groups.add(group_labels(s.metric, m.labels, !m.on)).first;
    for (uint32_t i = s.first; i < s.end(); ++i) {
      if (other.at(g, i) == keep_where_present)
        continue;
      s.values[i - s.first] = absent();
      if (!s.histograms.empty())
        s.histograms[i - s.first] = nullptr;
    }
  }
  std::erase_if(side.series, [](const step_series& s) {
    for (uint32_t i = s.first; i < s.end(); ++i)
      if (s.has(i))
        return false;
    return true;
  });
}

}  // namespace

result<step_vector> evaluator::set_operation(const binary_expr& e) {
  TROUPE_ASSIGN(step_vector lhs, vector(*e.lhs));
  TROUPE_ASSIGN(step_vector rhs, vector(*e.rhs));
  const vector_matching& m = *e.matching;
  label_index groups;
  held holds(state_.limits);
  const step_vector& other = e.op == bin_op::lor ? lhs : rhs;
  TROUPE_TRY(holds.add(0, static_cast<uint64_t>(other.series.size()) * grid_.count));
  const presence present(other, m, groups, grid_.count);
  if (e.op != bin_op::lor) {
    filter(lhs, m, groups, present, e.op == bin_op::land);
    return lhs;
  }
  filter(rhs, m, groups, present, false);
  for (step_series& s : rhs.series)
    TROUPE_TRY(lhs.push(std::move(s)));
  TROUPE_TRY(merge_same_labelset(lhs));
  return lhs;
}

}  // namespace troupe::query
