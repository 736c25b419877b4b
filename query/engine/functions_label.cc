// label_replace, label_join, absent and the sorts.
#include "query/engine/evaluator.h"
#include "storage/base/quote.h"
#include "storage/base/regex.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

namespace troupe::query {
namespace {

const std::string& text_of(const expr& e) {
  return as<string_literal>(unwrap_parens(e)).value;
}

bool valid_label_name(std::string_view name) {
  return !name.empty() && is_valid_utf8(name);
}

void set_label(step_series& s, std::string_view name, std::string_view value) {
  labels_builder b(s.metric);
  b.set(name, value);
  s.metric = b.build();
  // A name that was set on purpose stays.
  if (name == metric_name_label)
    s.drop_name = false;
}

// Text with runs of digits compared by number: "4m600" < "4m1000".
std::strong_ordering natural_order(std::string_view a, std::string_view b) {
  const auto digits = [](std::string_view t, size_t from) {
    size_t end = from;
    while (end < t.size() && t[end] >= '0' && t[end] <= '9')
      ++end;
    return t.substr(from, end - from);
  };
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const std::string_view x = digits(a, i);
    const std::string_view y = digits(b, j);
    if (x.empty() || y.empty()) {
      if (const auto order = static_cast<unsigned char>(a[i]) <=> static_cast<unsigned char>(b[j]);
          order != 0)
        return order;
      ++i;
      ++j;
      continue;
    }
    const std::string_view p = x.substr(std::min(x.find_first_not_of('0'), x.size()));
    const std::string_view q = y.substr(std::min(y.find_first_not_of('0'), y.size()));
    if (p.size() != q.size())
      return p.size() <=> q.size();
    if (const auto order = p <=> q; order != 0)
      return order;
    i += x.size();
    j += y.size();
  }
  if (i == a.size() && j == b.size())
    return a <=> b;
  return i == a.size() ? std::strong_ordering::less : std::strong_ordering::greater;
}

}  // namespace

result<step_vector> evaluator::label_replace(const call_expr& e) {
  const std::string& dst = text_of(*e.args[1]);
  const std::string& replacement = text_of(*e.args[2]);
  const std::string& src = text_of(*e.args[3]);
  const auto re = regex::compile(text_of(*e.args[4]));
  if (!re.ok())
    return {errc::execution,
            "invalid regular expression in label_replace(): " + text_of(*e.args[4])};
  if (!valid_label_name(dst))
    return {errc::execution, "invalid destination label name in label_replace(): " + dst};
  TROUPE_ASSIGN(step_vector v, vector(*e.args[0]));
  std::string replaced;
  for (step_series& s : v.series) {
    replaced.clear();
    if (!re->expand(s.metric.get(src), replacement, replaced))
      continue;
    TROUPE_TRY(v.holds.add(0, replaced.size()));
    set_label(s, dst, replaced);
  }
  TROUPE_TRY(merge_same_labelset(v));
  return v;
}

result<step_vector> evaluator::label_join(const call_expr& e) {
  const std::string& dst = text_of(*e.args[1]);
  const std::string& separator = text_of(*e.args[2]);
  for (size_t i = 3; i < e.args.size(); ++i)
    if (!valid_label_name(text_of(*e.args[i])))
      return {errc::execution, "invalid source label name in label_join(): " + text_of(*e.args[i])};
  if (!valid_label_name(dst))
    return {errc::execution, "invalid destination label name in label_join(): " + dst};
  TROUPE_ASSIGN(step_vector v, vector(*e.args[0]));
  std::string joined;
  for (step_series& s : v.series) {
    joined.clear();
    for (size_t i = 3; i < e.args.size(); ++i) {
      if (i > 3)
        joined += separator;
      joined += s.metric.get(text_of(*e.args[i]));
    }
    TROUPE_TRY(v.holds.add(0, joined.size()));
    set_label(s, dst, joined);
  }
  TROUPE_TRY(merge_same_labelset(v));
  return v;
}

labels absent_labels(const expr& arg) {
  const matchers* match = nullptr;
  if (arg.kind == node_kind::vector_selector)
    match = &as<vector_selector>(arg).match;
  else if (arg.kind == node_kind::matrix_selector)
    match = &as<matrix_selector>(arg).vector().match;
  labels_builder b;
  if (match) {
    // A label is known if exactly one matcher speaks of it, with "=".
    std::set<std::string_view> seen;
    for (const matcher& m : *match) {
      if (m.name() == metric_name_label)
        continue;
      if (m.op() == match_op::equal && !seen.contains(m.name())) {
        b.set(m.name(), m.value());
        seen.insert(m.name());
      } else {
        b.del(m.name());
      }
    }
  }
  return b.build();
}

result<step_vector> evaluator::absent_vector(const call_expr& e) {
  const expr& arg = unwrap_parens(*e.args[0]);
  TROUPE_ASSIGN(const step_vector v, vector(arg));
  return absences(v, arg);
}

result<step_vector> evaluator::sorted(const call_expr& e) {
  TROUPE_ASSIGN(step_vector v, vector(*e.args[0]));
  const std::string_view name = e.func->name;
  if (state_.times.step_ms > 0)
    state_.notes.warn(note::sort_ineffective(), e.pos);
  const bool by_label = name.starts_with("sort_by_label");
  const bool descending = name.ends_with("_desc");
  if (!by_label) {
    // Floats only.
    for (step_series& s : v.series)
      s.histograms.clear();
    std::erase_if(v.series, [](const step_series& s) {
      return std::all_of(s.values.begin(), s.values.end(), is_absent);
    });
  }
  // The order of a vector is of no meaning but at one instant.
  if (grid_.count != 1)
    return v;
  if (!by_label) {
    std::stable_sort(v.series.begin(), v.series.end(),
                     [&](const step_series& a, const step_series& b) {
                       const double x = a.values[0];
                       const double y = b.values[0];
                       if (std::isnan(x) || std::isnan(y))
                         return !std::isnan(x);
                       return descending ? x > y : x < y;
                     });
    return v;
  }
  std::stable_sort(v.series.begin(), v.series.end(),
                   [&](const step_series& a, const step_series& b) {
                     std::strong_ordering order = std::strong_ordering::equal;
                     for (size_t i = 1; i < e.args.size() && order == 0; ++i) {
                       const std::string& label = text_of(*e.args[i]);
                       order = natural_order(a.metric.get(label), b.metric.get(label));
                     }
                     if (order == 0)
                       order = a.metric <=> b.metric;
                     return descending ? order > 0 : order < 0;
                   });
  return v;
}

}  // namespace troupe::query
