#include "storage/index/postings.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace troupe::storage {
namespace {

// When one list is this much longer than the other, its members are searched, not walked.
constexpr size_t search_ratio = 16;

// Calls `found` for each common member, ascending, until it returns false.
template <class F>
void walk_common(std::span<const series_ref> a, std::span<const series_ref> b, F found) {
  if (a.size() > b.size())
    std::swap(a, b);
  const bool search = b.size() / search_ratio > a.size();
  auto at = b.begin();
  for (const series_ref ref : a) {
    if (search)
      at = std::lower_bound(at, b.end(), ref);
    else
      while (at != b.end() && *at < ref)
        ++at;
    if (at == b.end())
      return;
    if (*at == ref && !found(ref))
      return;
  }
}

// A matcher asks either for series that carry one of some values, or for all but such series.
struct demand {
  bool positive = true;
  posting_list refs;
};

result<std::vector<posting_list>> look_up_all(const postings_source& index, const std::string& name,
                                              std::span<const std::string> values) {
  std::vector<posting_list> lists;
  for (const auto& value : values) {
    TROUPE_ASSIGN(auto list, index.lookup(name, value));
    lists.push_back(std::move(list));
  }
  return lists;
}

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
  // {a="x"} adds the series of x, {a!="x"} subtracts them; with "" among the values it is the other
  // way round and takes a pass.
  if (!named.empty() && d.positive != negated) {
    TROUPE_ASSIGN(auto lists, look_up_all(index, m.name(), named));
    d.refs = unite(std::move(lists));
    return d;
  }
  const bool wanted = d.positive;
  TROUPE_ASSIGN(auto lists, index.collect(m.name(), [&](std::string_view value) {
    return m.matches(value) == wanted;
  }));
  d.refs = unite(std::move(lists));
  return d;
}

}  // namespace

posting_list intersect(const posting_list& a, const posting_list& b) {
  posting_list out;
  walk_common(a, b, [&](series_ref ref) {
    out.push_back(ref);
    return true;
  });
  return out;
}

posting_list subtract(const posting_list& a, const posting_list& b) {
  posting_list out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

posting_list unite(std::vector<posting_list> lists) {
  if (lists.empty())
    return {};
  if (lists.size() == 1)
    return std::move(lists.front());
  posting_list out;
  size_t total = 0;
  for (const auto& list : lists)
    total += list.size();
  out.reserve(total);
  for (const auto& list : lists)
    out.insert(out.end(), list.begin(), list.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool intersects(std::span<const series_ref> a, std::span<const series_ref> b) {
  bool any = false;
  walk_common(a, b, [&](series_ref) {
    any = true;
    return false;
  });
  return any;
}

result<posting_list> resolve(const postings_source& index, std::span<const matcher> ms) {
  std::optional<posting_list> have;
  std::vector<posting_list> without;
  for (const matcher& m : ms) {
    TROUPE_ASSIGN(auto d, demand_of(index, m));
    if (!d.positive) {
      without.push_back(std::move(d.refs));
      continue;
    }
    have = have ? intersect(*have, d.refs) : std::move(d.refs);
    if (have->empty())
      return posting_list();
  }
  if (!have)
    have = index.all();
  for (const auto& list : without)
    if (!list.empty())
      have = subtract(*have, list);
  return std::move(*have);
}

}  // namespace troupe::storage
