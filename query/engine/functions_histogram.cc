// histogram_quantile(s), histogram_fraction over classic buckets and native histograms, and the
// functions that read one figure of a native histogram.
#include "query/engine/evaluator.h"
#include "query/engine/functions.h"
#include "query/engine/native_quantile.h"
#include "query/engine/quantile.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace troupe::query {
namespace {

constexpr std::string_view bucket_label = "le";

// An upper bound as Go's ParseFloat reads it; no NaN, which could not be ordered.
std::optional<double> parse_bound(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+'))
    text.remove_prefix(1);
  auto format = std::chars_format::general;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    if (text.find_first_of("pP") == std::string_view::npos)
      return std::nullopt;
    text.remove_prefix(2);
    format = std::chars_format::hex;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error != std::errc() || end != text.data() + text.size() || text.starts_with('-') ||
      std::isnan(value))
    return std::nullopt;
  return negative ? -value : value;
}

// The series of one classic histogram, and the native one of the same name and labels.
struct histogram_group {
  labels metric;  ///< without le
  bool drop_name = false;
  std::vector<std::pair<double, const step_series*>> buckets;
  const step_series* native = nullptr;
};

// Sorts the series of a vector into histograms, in order of first appearance.
class histogram_groups {
 public:
  histogram_groups(const step_vector& v, bool names_in_notes, position_range pos,
                   annotations& notes)
      : names_(names_in_notes), pos_(pos), notes_(notes) {
    for (const step_series& s : v.series)
      add(s);
  }
  const std::vector<histogram_group>& natives() const { return natives_; }
  const std::vector<histogram_group>& classics() const { return classics_; }
  /// At that step there is a classic and a native histogram: neither is used.
  bool in_conflict(const histogram_group& classic, uint32_t step) const {
    return classic.native && classic.native->histogram_at(step) && has_bucket(classic, step);
  }
  bool in_conflict_native(const histogram_group& native, uint32_t step) const {
    const auto it = by_labels_.find(native.metric);
    return it != by_labels_.end() && has_bucket(classics_[it->second], step);
  }
  void note_conflict(const histogram_group& g) const {
    notes_.warn(note::mixed_classic_native(name_of(g.metric)), pos_);
  }
  std::string_view name_of(const labels& metric) const {
    return names_ ? metric.metric_name() : std::string_view();
  }

 private:
  static bool has_bucket(const histogram_group& g, uint32_t step) {
    for (const auto& [bound, s] : g.buckets)
      if (!is_absent(s->value_at(step)))
        return true;
    return false;
  }

  void add(const step_series& s) {
    bool floats = false;
    for (const double v : s.values)
      floats = floats || !is_absent(v);
    if (floats)
      add_bucket(s);
    if (!s.histograms.empty()) {
      natives_.push_back({s.metric, s.drop_name, {}, &s});
      if (const auto it = by_labels_.find(s.metric); it != by_labels_.end())
        classics_[it->second].native = &s;
      else
        native_by_labels_.emplace(s.metric, &s);
    }
  }

  void add_bucket(const step_series& s) {
    const std::string_view le = s.metric.get(bucket_label);
    const auto bound = parse_bound(le);
    if (!bound) {
      notes_.warn(note::bad_bucket_label(name_of(s.metric), le), pos_);
      return;
    }
    labels_builder b(s.metric);
    const labels metric = b.del(bucket_label).build();
    const auto [it, added] = by_labels_.try_emplace(metric, classics_.size());
    if (added) {
      classics_.push_back({metric, s.drop_name, {}, nullptr});
      if (const auto n = native_by_labels_.find(metric); n != native_by_labels_.end())
        classics_.back().native = n->second;
    }
    classics_[it->second].buckets.emplace_back(*bound, &s);
  }

  bool names_;
  position_range pos_;
  annotations& notes_;
  std::vector<histogram_group> natives_;
  std::vector<histogram_group> classics_;
  std::map<labels, size_t> by_labels_;
  std::map<labels, const step_series*> native_by_labels_;
};

void gather(const histogram_group& g, uint32_t step, std::vector<bucket>& out) {
  out.clear();
  for (const auto& [bound, s] : g.buckets)
    if (const double v = s->value_at(step); !is_absent(v))
      out.push_back({bound, v});
}

// Evaluates every histogram of `groups` at every step with one of the two functions.
template <class Native, class Classic, class Push>
status for_each_histogram(const histogram_groups& groups, uint32_t steps, budget& limits,
                          Native native, Classic classic, Push push) {
  step_scratch scratch;
  for (const histogram_group& g : groups.natives()) {
    TROUPE_TRY(limits.check());
    scratch.reset(steps);
    for (uint32_t i = g.native->first; i < g.native->end(); ++i) {
      const histogram_ptr& h = g.native->histogram_at(i);
      if (h && !groups.in_conflict_native(g, i))
        scratch.set(i, native(i, *h, g));
    }
    TROUPE_TRY(push(g, scratch));
  }
  std::vector<bucket> buckets;
  for (const histogram_group& g : groups.classics()) {
    TROUPE_TRY(limits.check());
    scratch.reset(steps);
    for (uint32_t i = 0; i < steps; ++i) {
      gather(g, i, buckets);
      if (buckets.empty())
        continue;
      if (groups.in_conflict(g, i))
        groups.note_conflict(g);
      else
        scratch.set(i, classic(i, buckets, g));
    }
    TROUPE_TRY(push(g, scratch));
  }
  return {};
}

void note_invalid(const scalar_column& phi, position_range pos, annotations& notes) {
  for (const double q : phi)
    if (std::isnan(q) || q < 0 || q > 1)
      notes.warn(note::invalid_quantile(q), pos);
}

// Each value once, in order of appearance.
std::vector<double> distinct(const scalar_column& values) {
  std::vector<double> out;
  std::set<uint64_t> seen;
  for (const double v : values)
    if (seen.insert(std::bit_cast<uint64_t>(v)).second)
      out.push_back(v);
  return out;
}

// A quantile as a label value, as OpenMetrics writes floats: 1 is "1.0".
std::string label_text(double v) {
  std::string out = format_go_g(v);
  if (out.find_first_not_of("-0123456789") == std::string::npos)
    out += ".0";
  return out;
}

}  // namespace

double (*find_histogram_function(std::string_view name))(const histogram&) {
  using f = double (*)(const histogram&);
  static const std::pair<std::string_view, f> table[] = {
      {"histogram_avg", [](const histogram& h) { return h.sum / h.count; }},
      {"histogram_count", [](const histogram& h) { return h.count; }},
      {"histogram_stddev", [](const histogram& h) { return std::sqrt(native_variance(h)); }},
      {"histogram_stdvar", native_variance},
      {"histogram_sum", [](const histogram& h) { return h.sum; }},
  };
  for (const auto& [known, function] : table)
    if (known == name)
      return function;
  return nullptr;
}

result<step_vector> evaluator::map_histograms(const call_expr& e, double (*f)(const histogram&)) {
  TROUPE_ASSIGN(const step_vector v, vector(*e.args[0]));
  step_vector out(state_.limits);
  step_scratch scratch;
  for (const step_series& s : v.series) {
    if (s.histograms.empty())
      continue;
    scratch.reset(grid_.count);
    for (uint32_t i = s.first; i < s.end(); ++i)
      if (const histogram_ptr& h = s.histogram_at(i))
        scratch.set(i, f(*h));
    TROUPE_TRY(out.push(unnamed(s.metric), true, scratch));
  }
  TROUPE_TRY(settle_names(out));
  return out;
}

// histogram_quantile(φ, v) and histogram_quantiles(v, "label", φ, …).
result<step_vector> evaluator::histogram_quantile(const call_expr& e) {
  const bool several = e.func->name == "histogram_quantiles";
  const expr& arg = unwrap_parens(*e.args[several ? 0 : 1]);
  std::vector<scalar_column> phis;
  for (size_t i = several ? 2 : 0; i < (several ? e.args.size() : 1); ++i) {
    TROUPE_ASSIGN(phis.emplace_back(), scalar(*e.args[i]));
    note_invalid(phis.back(), unwrap_parens(*e.args[i]).pos, state_.notes);
  }
  TROUPE_ASSIGN(const step_vector v, vector(arg));
  const histogram_groups groups(v, delayed_names(), arg.pos, state_.notes);
  step_vector out(state_.limits);
  for (const scalar_column& phi : phis) {
    // The label says the quantile, so each value of a changing one makes series of its own.
    for (const double label_phi : several ? distinct(phi) : std::vector<double>{0}) {
      const auto other = [&](uint32_t i) {
        return several && std::bit_cast<uint64_t>(phi[i]) != std::bit_cast<uint64_t>(label_phi);
      };
      const auto native = [&](uint32_t i, const histogram& h, const histogram_group& g) {
        return other(i)
                   ? absent()
                   : native_quantile(phi[i], h, groups.name_of(g.metric), arg.pos, state_.notes);
      };
      const auto classic = [&](uint32_t i, std::vector<bucket>& buckets, const histogram_group& g) {
        if (other(i))
          return absent();
        const bucket_quantile_result r = bucket_quantile(phi[i], buckets);
        if (r.forced_monotonic)
          state_.notes.forced_monotonicity(groups.name_of(g.metric), arg.pos, grid_.at(i),
                                           r.min_bucket, r.max_bucket, r.max_diff);
        return r.value;
      };
      const auto push = [&](const histogram_group& g, const step_scratch& scratch) -> status {
        labels metric = unnamed(g.metric);
        if (several) {
          labels_builder b(metric);
          metric = b.set(as<string_literal>(unwrap_parens(*e.args[1])).value, label_text(label_phi))
                       .build();
        }
        return out.push(std::move(metric), true, scratch);
      };
      TROUPE_TRY(for_each_histogram(groups, grid_.count, state_.limits, native, classic, push));
    }
  }
  TROUPE_TRY(settle_names(out));
  return out;
}

result<step_vector> evaluator::histogram_fraction(const call_expr& e) {
  TROUPE_ASSIGN(const scalar_column lower, scalar(*e.args[0]));
  TROUPE_ASSIGN(const scalar_column upper, scalar(*e.args[1]));
  const expr& arg = unwrap_parens(*e.args[2]);
  TROUPE_ASSIGN(const step_vector v, vector(arg));
  const histogram_groups groups(v, delayed_names(), arg.pos, state_.notes);
  step_vector out(state_.limits);
  const auto native = [&](uint32_t i, const histogram& h, const histogram_group& g) {
    return native_fraction(lower[i], upper[i], h, groups.name_of(g.metric), arg.pos, state_.notes);
  };
  const auto classic = [&](uint32_t i, std::vector<bucket>& buckets, const histogram_group&) {
    return bucket_fraction(lower[i], upper[i], buckets);
  };
  const auto push = [&](const histogram_group& g, const step_scratch& scratch) {
    return out.push(unnamed(g.metric), true, scratch);
  };
  TROUPE_TRY(for_each_histogram(groups, grid_.count, state_.limits, native, classic, push));
  TROUPE_TRY(settle_names(out));
  return out;
}

}  // namespace troupe::query
