#include "query/engine/shared_calls.h"

#include "query/engine/accumulators.h"
#include "query/engine/evaluator.h"
#include "query/engine/functions.h"
#include "query/engine/grouping.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

namespace troupe::query {
namespace {

/// What could not be shared is tried again after so many instants.
constexpr uint32_t rest_instants = 32;
/// A metric may have so many times the series that are wanted, and these.
constexpr uint64_t max_surplus = 16, free_surplus = 512;
/// Beyond this many new series the index finds the members sooner than the matchers.
constexpr size_t max_matched = 256;

// What makes two nodes the same call.
struct call_shape {
  const vector_selector* selector = nullptr;
  std::string_view metric;
  int64_t window_ms = 0;
  std::string key;
};

bool add_argument(const expr& e, call_shape& shape) {
  if (e.kind == node_kind::number) {
    shape.key += "," + std::to_string(std::bit_cast<uint64_t>(as<number_literal>(e).value));
    return true;
  }
  if (e.kind != node_kind::matrix_selector || as<matrix_selector>(e).range_expr)
    return false;
  shape.selector = &as<matrix_selector>(e).vector();
  shape.window_ms = as<matrix_selector>(e).range_ms;
  shape.key += ",[]";
  return true;
}

// Of a call over a range with constant arguments, or of an instant selector; each series on its own
// decides what it gives.
std::optional<call_shape> shape_of(const expr& e, int64_t lookback_ms) {
  call_shape out;
  if (e.kind == node_kind::vector_selector) {
    out.selector = &as<vector_selector>(e);
    out.window_ms = lookback_ms;
  } else {
    const auto& call = as<call_expr>(e);
    if (find_range_function(call.func->name) == nullptr || call.func->name == "absent_over_time")
      return std::nullopt;
    out.key = call.func->name;
    for (const auto& arg : call.args)
      if (!add_argument(unwrap_parens(*arg), out))
        return std::nullopt;
  }
  const vector_selector* s = out.selector;
  if (s == nullptr || s->anchored || s->smoothed || s->shift.at || s->shift.offset_expr ||
      s->shift.at_edge != at_preprocessor::none)
    return std::nullopt;
  for (const matcher& m : s->match)
    if (m.name() == metric_name_label && m.op() == match_op::equal)
      out.metric = m.value();
  if (out.metric.empty())
    return std::nullopt;
  out.key += "|" + std::to_string(out.window_ms) + "|" + std::to_string(s->shift.offset_ms) + "|" +
             std::string(out.metric);
  return out;
}

const vector_selector& selector_of(const expr& e) {
  return *first_selector(e);
}

bool keeps_name(const expr& e) {
  if (e.kind == node_kind::vector_selector)
    return true;
  const std::string_view name = as<call_expr>(e).func->name;
  return name == "last_over_time" || name == "first_over_time";
}

// Some series of a family as the only ones there are.
class member_set final : public storage::series_set {
 public:
  member_set(storage::series_family& family, std::span<const uint32_t> members)
      : family_(family), members_(members) {}

  bool next() override { return ++at_ < members_.size(); }
  const labels& series() const override { return family_.roster()->series[members_[at_]]; }
  status read(timestamp_ms mint, timestamp_ms maxt, storage::sample_columns& out) override {
    return family_.read(members_[at_], mint, maxt, out);
  }

 private:
  storage::series_family& family_;
  const std::span<const uint32_t> members_;
  size_t at_ = SIZE_MAX;  // before the first
};

class member_querier final : public storage::querier {
 public:
  member_querier(storage::series_family& family, std::span<const uint32_t> members)
      : family_(family), members_(members) {}

  result<std::unique_ptr<storage::series_set>> select(const storage::select_hints& /*hints*/,
                                                      std::span<const matcher> /*ms*/) override {
    return std::unique_ptr<storage::series_set>(std::make_unique<member_set>(family_, members_));
  }
  result<std::vector<std::string>> label_names(std::span<const matcher> /*ms*/,
                                               size_t /*limit*/) override {
    return std::vector<std::string>();
  }
  result<std::vector<std::string>> label_values(std::string_view /*name*/,
                                                std::span<const matcher> /*ms*/,
                                                size_t /*limit*/) override {
    return std::vector<std::string>();
  }

 private:
  storage::series_family& family_;
  const std::span<const uint32_t> members_;
};

// Labels that are dropped beside the name: what they tell apart is the same afterwards.
bool has_dropped_label(const labels& metric) {
  return metric.has("__type__") || metric.has("__unit__");
}

// At least what step_vector::push() charges for a series of these labels.
uint64_t result_weight(const labels& metric) {
  constexpr uint64_t allocation = 64;
  return sizeof(step_series) + sizeof(double) + allocation + 4 * metric.size() + metric.blob_size();
}

uint64_t weight(const shared_selection& s) {
  constexpr uint64_t group = 64;
  return sizeof(s) + s.members.capacity() * 2 * sizeof(uint32_t) + s.groups.size() * group;
}

// Moves the members to the roster that came of theirs; true if they are the same series as before.
bool follow(const storage::series_roster& now, std::span<const matcher> match,
            std::vector<uint32_t>& members) {
  std::vector<uint32_t> moved;
  moved.reserve(members.size());
  for (const uint32_t m : members)
    if (const uint32_t to = now.moved[m]; to != storage::series_roster::gone)
      moved.push_back(to);
  const size_t kept = moved.size();
  for (const uint32_t position : now.added)
    if (matches_all(match, now.series[position]))
      moved.push_back(position);
  std::inplace_merge(moved.begin(), moved.begin() + static_cast<ptrdiff_t>(kept), moved.end());
  const bool same = kept == members.size() && moved.size() == kept;
  members = std::move(moved);
  return same;
}

}  // namespace

shared_calls::~shared_calls() {
  if (memory_)
    memory_->release(bytes_);
}

void shared_calls::begin(timestamp_ms at) {
  end();
  if (memory_ && memory_->level() >= memory_level::give_back)
    drop_all();
  at_ = at;
  running_ = true;
  for (auto& [key, call] : calls_) {
    if (call->met > 0)
      call->wanted = std::exchange(call->met, 0);
    call->least = 1;
    if (call->resting > 0)
      --call->resting;
  }
  for (auto& [key, s] : selections_)
    if (s)
      s->useless = false;
}

void shared_calls::end() {
  running_ = false;
  for (auto& [key, call] : calls_) {
    call->family.reset();
    call->opened = false;
  }
}

bool shared_calls::hold(uint64_t& held, uint64_t bytes) {
  if (bytes > held) {
    const uint64_t more = bytes - held;
    if (more > max_bytes_ - std::min(bytes_, max_bytes_))
      return false;
    if (memory_ && !memory_->try_charge(more))
      return false;
    bytes_ += more;
  } else {
    bytes_ -= held - bytes;
    if (memory_)
      memory_->release(held - bytes);
  }
  held = bytes;
  return true;
}

shared_selection* shared_calls::selection_of(const expr& root, const expr& e, int64_t lookback_ms) {
  const auto [it, is_new] = selections_.try_emplace({&root, e.pos.start, e.pos.end}, nullptr);
  if (!is_new)
    return it->second.get();
  const auto shape = shape_of(e, lookback_ms);
  if (!shape)
    return nullptr;
  auto& call = calls_[shape->key];
  if (!call) {
    call = std::make_unique<shared_call>();
    call->metric = shape->metric;
    call->window_ms = shape->window_ms;
    call->offset_ms = shape->selector->shift.offset_ms;
  }
  it->second = std::make_unique<shared_selection>();
  it->second->call = call.get();
  it->second->drops_name = !keeps_name(e);
  return it->second.get();
}

bool shared_calls::open(shared_call& call, storage::queryable& source, std::string_view tenant) {
  const uint64_t wanted = std::max(call.wanted, call.met);
  if (call.opened || call.resting > 0 || wanted < call.least)
    return call.family != nullptr;
  call.opened = true;
  const timestamp_ms end = saturating_sub(at_, call.offset_ms);
  call.family = source.family({.tenant = tenant,
                               .metric = call.metric,
                               .mint = saturating_sub(end, call.window_ms - 1),
                               .maxt = end,
                               .max_series = wanted * max_surplus + free_surplus});
  const size_t series = call.family ? call.family->roster()->series.size() : 0;
  if (!call.family || !hold(call.held, series * (sizeof(double) + 1))) {
    call.family.reset();
    // At its first instant the more is wanted the more expressions there were.
    call.opened = call.wanted > 0;
    call.least = 2 * wanted;
    call.resting = call.wanted > 0 ? rest_instants : 0;
    for (auto& [key, s] : selections_)
      if (s && s->call == &call)
        drop(*s);
    return false;
  }
  call.values.resize(series);
  call.states.assign(series, shared_call::unknown);
  call.read = 0;
  return true;
}

bool shared_calls::select(shared_selection& s, std::span<const matcher> match) {
  const auto& now = s.call->family->roster();
  if (s.roster && s.roster->id == now->id)
    return s.alike;
  const bool known = s.roster && s.roster->id == now->before && now->added.size() <= max_matched;
  if (known && follow(*now, match, s.members)) {
    s.roster = now;
    return s.alike;
  }
  if (!known)
    s.members = s.call->family->find(match);
  s.members.shrink_to_fit();
  s.group_of.clear();
  if (!hold(s.held, weight(s))) {
    drop(s);
    return false;
  }
  s.roster = now;
  s.result_bytes = 0;
  s.alike = true;
  for (const uint32_t m : s.members) {
    s.result_bytes += result_weight(now->series[m]);
    s.alike = s.alike && !has_dropped_label(now->series[m]);
  }
  return s.alike;
}

bool shared_calls::regroup(shared_selection& s, const aggregate_expr& e, bool delayed_names) {
  if (s.group_of.size() == s.members.size())
    return true;
  s.group_of.clear();
  s.group_of.reserve(s.members.size());
  s.groups.clear();
  label_index index;
  for (const uint32_t m : s.members) {
    const labels& metric = s.roster->series[m];
    labels group =
        group_labels(s.drops_name && !delayed_names ? drop_metadata_labels(metric) : metric,
                     e.grouping, e.without);
    const auto [at, added] = index.add(group);
    if (added)
      s.groups.push_back(group.packed());
    s.group_of.push_back(at);
  }
  if (hold(s.held, weight(s)))
    return true;
  drop(s);
  return false;
}

void shared_calls::drop(shared_selection& s) {
  s.roster.reset();
  s.members = {};
  s.group_of = {};
  s.groups = {};
  hold(s.held, 0);
}

void shared_calls::drop_all() {
  for (auto& [key, s] : selections_)
    if (s)
      drop(*s);
  for (auto& [key, call] : calls_) {
    call->values = {};
    call->states = {};
    call->resting = rest_instants;
    hold(call->held, 0);
  }
}

shared_selection* evaluator::shared(const expr& e) const {
  if (state_.shared == nullptr || grid_.count != 1 || !state_.shared->covers(grid_.start))
    return nullptr;
  if (e.kind != node_kind::vector_selector && e.kind != node_kind::call)
    return nullptr;
  return state_.shared->selection_of(state_.root, e, state_.lookback_ms);
}

bool evaluator::shared_groups_ready(shared_selection& s, const aggregate_expr& e) {
  return shared_ready(s, unwrap_parens(*e.operand)) &&
         state_.shared->regroup(s, e, delayed_names());
}

// Reads what no other expression has read before. What can fail is left to the ordinary way, which
// fails in its own words.
bool evaluator::shared_ready(shared_selection& s, const expr& e) {
  if (s.useless)
    return false;
  shared_calls& all = *state_.shared;
  shared_call& call = *s.call;
  const bool ready = all.open(call, state_.data, state_.tenant) &&
                     all.select(s, selector_of(e).match) && read_shared(s, e) &&
                     state_.limits.fits(s.members.size() + call.read,
                                        s.result_bytes + call.read * sizeof(float_point));
  s.useless = !ready;
  if (ready) {
    call.met += s.members.size();
    ++all.answered_;
  }
  return ready;
}

bool evaluator::read_shared(const shared_selection& s, const expr& e) {
  shared_call& call = *s.call;
  std::vector<uint32_t> missing;
  bool odd = false;
  for (const uint32_t m : s.members) {
    if (call.states[m] == shared_call::unknown)
      missing.push_back(m);
    odd = odd || call.states[m] == shared_call::odd;
  }
  if (missing.empty() || odd)
    return !odd;
  // With their names, so that each result tells its series.
  engine_options options = state_.options;
  options.enable_delayed_name_removal = true;
  member_querier source(*call.family, missing);
  annotations notes;
  query_stats stats;
  query_state state{.options = options,
                    .times = state_.times,
                    .lookback_ms = state_.lookback_ms,
                    .data = state_.data,
                    .tenant = state_.tenant,
                    .source = source,
                    .root = state_.root,
                    .invariant = state_.invariant,
                    .figures = state_.figures,
                    .limits = state_.limits,
                    .notes = notes,
                    .stats = stats,
                    .samples_per_step = {},
                    .shared = nullptr};
  const auto found = evaluator(state, grid_).vector(e);
  if (!found.ok())
    return false;
  state_.stats.samples_read += stats.samples_read;
  call.read = std::max(call.read, stats.samples_read);
  auto result = found->series.begin();
  for (const uint32_t m : missing) {
    call.states[m] = shared_call::known;
    call.values[m] = absent();
    if (result == found->series.end() || result->metric != call.family->roster()->series[m])
      continue;
    call.values[m] = result->values[0];
    if (!result->histograms.empty()) {
      call.states[m] = shared_call::odd;
      odd = true;
    }
    ++result;
  }
  // Where there are histograms there will be more.
  if (odd)
    call.resting = rest_instants;
  return !odd;
}

result<step_vector> evaluator::shared_vector(const shared_selection& s) {
  step_vector out(state_.limits);
  step_scratch scratch;
  for (const uint32_t m : s.members) {
    const double v = s.call->values[m];
    if (is_absent(v))
      continue;
    scratch.reset(1);
    scratch.set(0, v);
    const labels& metric = s.roster->series[m];
    TROUPE_TRY(out.push(s.drops_name ? unnamed(metric) : metric, s.drops_name, scratch));
  }
  return out;
}

result<step_vector> evaluator::shared_aggregate(agg_op op, const shared_selection& s) {
  const shared_call& call = *s.call;
  std::vector<uint32_t> order;  // of groups, by their first member
  std::vector<double> values;
  with_accumulator(op, [&](auto empty) {
    std::vector<decltype(empty)> groups(s.groups.size());
    for (size_t i = 0; i < s.members.size(); ++i) {
      const double v = call.values[s.members[i]];
      if (is_absent(v))
        continue;
      auto& group = groups[s.group_of[i]];
      if (!group.any())
        order.push_back(s.group_of[i]);
      group.add(v);
    }
    for (const uint32_t g : order)
      values.push_back(groups[g].value());
  });
  step_vector out(state_.limits);
  step_scratch scratch;
  for (size_t i = 0; i < order.size(); ++i) {
    scratch.reset(1);
    scratch.set(0, values[i]);
    TROUPE_TRY(out.push(s.groups[order[i]], s.drops_name, scratch));
  }
  return out;
}

}  // namespace troupe::query
