#include "storage/index/resolve.h"

#include <algorithm>

namespace troupe::storage {
namespace {

// A matcher asks either for series that carry one of some values, or for all but such series.
struct demand {
  bool positive = true;
  postings_ptr refs;
};

// The values that are meant, if the matcher names them: no pass over the label's values is needed.
std::span<const std::string> named_values(const matcher& m) {
  switch (m.op()) {
    case match_op::equal:
    case match_op::not_equal:
      return {&m.value(), 1};
    case match_op::regex:
    case match_op::not_regex:
      break;
  }
  return m.literals();
}

result<demand> demand_of(const postings_source& index, const matcher& m) {
  demand d;
  d.positive = !m.matches_empty();
  const bool negated = m.op() == match_op::not_equal || m.op() == match_op::not_regex;
  const auto named = named_values(m);
  std::vector<postings_ptr> lists;
  // {a="x"} adds the series of x, {a!="x"} subtracts them; with "" among the values it is the other
  // way round and takes a pass.
  if (!named.empty() && d.positive != negated) {
    for (const auto& value : named) {
      TROUPE_ASSIGN(auto list, index.lookup(m.name(), value));
      lists.push_back(std::move(list));
    }
  } else {
    TROUPE_ASSIGN(lists, index.collect(m, d.positive));
  }
  d.refs = lists.size() == 1 ? std::move(lists.front())
                             : std::make_shared<const posting_set>(unite(lists));
  return d;
}

}  // namespace

result<postings_ptr> resolve_set(const postings_source& index, std::span<const matcher> ms) {
  std::vector<postings_ptr> with, without;
  for (const matcher& m : ms) {
    TROUPE_ASSIGN(auto d, demand_of(index, m));
    if (d.positive && d.refs->empty())
      return std::move(d.refs);
    (d.positive ? with : without).push_back(std::move(d.refs));
  }
  if (with.empty())
    with.push_back(index.all());
  // The shortest first: nothing gets longer than it.
  std::sort(with.begin(), with.end(),
            [](const auto& a, const auto& b) { return a->size() < b->size(); });
  postings_ptr have = with.front();
  for (size_t i = 1; i < with.size() && !have->empty(); ++i)
    have = std::make_shared<const posting_set>(intersect(*have, *with[i]));
  for (const auto& list : without)
    if (!list->empty() && !have->empty())
      have = std::make_shared<const posting_set>(subtract(*have, *list));
  return have;
}

result<posting_list> resolve(const postings_source& index, std::span<const matcher> ms) {
  TROUPE_ASSIGN(const auto set, resolve_set(index, ms));
  return set->to_list();
}

}  // namespace troupe::storage
