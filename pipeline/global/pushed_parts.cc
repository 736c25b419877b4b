// How a query_view has parts evaluated where the series are.
#include "pipeline/client/api_answer.h"
#include "pipeline/global/matching.h"
#include "pipeline/global/part_text.h"
#include "pipeline/global/query_view.h"
#include "pipeline/global/questions.h"
#include "query/engine/engine.h"
#include "query/parser/printer.h"

#include <algorithm>

namespace troupe::global {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;

query::matrix_value to_matrix(query::query_value&& from) {
  if (auto* m = std::get_if<query::matrix_value>(&from))
    return std::move(*m);
  query::matrix_value out;
  if (auto* v = std::get_if<query::vector_value>(&from))
    for (auto& e : *v) {
      out.emplace_back();
      out.back().metric = std::move(e.metric);
      if (e.histogram)
        out.back().histograms.push_back({e.ts, std::move(e.histogram)});
      else
        out.back().floats.push_back({e.ts, e.value});
    }
  return out;
}

// The engine evaluates it here and says itself what is wrong with it.
bool is_the_users(const status& error) {
  const auto kind = query::classify(error);
  return kind == query::query_error::bad_data || kind == query::query_error::execution;
}

}  // namespace

int64_t query_view::left_ms() const {
  const int64_t ns = patience_.deadline_ns - env_.clk->monotonic_ns();
  return std::max<int64_t>(ns / ns_per_ms, 1);
}

result<std::optional<query::matrix_value>> query_view::evaluate_here(
    storage::queryable& data, const std::string& text, const query::query_part& part) {
  query::query_overrides o;
  o.lookback_ms = part.lookback_ms;
  o.timeout_ms = left_ms();
  o.cancel = options_.cancel;
  auto got = part.step_ms == 0
                 ? env_.engine->instant(data, "", text, part.start, o)
                 : env_.engine->range(data, "", text, part.start, part.end, part.step_ms, o);
  if (!got.ok()) {
    if (is_the_users(got.error()))
      return std::optional<query::matrix_value>();
    return got.error();
  }
  auto out = to_matrix(std::move(got->value));
  if (std::any_of(out.begin(), out.end(), [](const auto& s) { return !s.histograms.empty(); }))
    return std::optional<query::matrix_value>();
  for (auto& w : got->warnings)
    warn(std::move(w));
  inform(got->infos);
  return std::optional(std::move(out));
}

// Nothing: the part is to be evaluated here.
result<std::optional<query::matrix_value>> query_view::read_value(const region& from,
                                                                  region_answer&& answer) {
  TROUPE_TRY(answer.error);
  if (answer.refused())
    return std::optional<query::matrix_value>();
  auto got = client::parse_query_answer(answer.result.body, {env_.engine->options().max_samples});
  if (!got.ok())
    return {errc::unavailable, "region \"" + from.name() + "\" gave no usable answer: " +
                                   std::string(got.error().message())};
  if (got->failed || got->has_histograms)
    return std::optional<query::matrix_value>();
  warn_of(from, got->warnings);
  inform(got->infos);
  return std::optional(std::move(got->series));
}

result<std::optional<std::vector<query::matrix_value>>> query_view::evaluate(
    const query::query_part& part) {
  using values = std::vector<query::matrix_value>;
  const std::string text = query::to_string(part.root);
  fan_out asking(*env_.clk, patience_);
  std::vector<region_ptr> to;
  for (const auto& r : reachable_) {
    const auto own_text = text_for(part.root, r->name());
    if (!own_text)
      continue;
    const int64_t own_ms = r->config().timeout_ms;
    const int64_t timeout_ms = own_ms > 0 ? std::min(own_ms, left_ms()) : left_ms();
    asking.ask(r, value_question({*own_text, part.start, part.end, part.step_ms, part.lookback_ms,
                                  timeout_ms}));
    to.push_back(r);
  }
  values out;
  const auto add_from_here = [&](share which) -> result<bool> {
    local_share here(*local_, std::move(which));
    TROUPE_ASSIGN(auto value, evaluate_here(here, text, part));
    if (value)
      out.push_back(std::move(*value));
    return value.has_value();
  };
  if (options_.local) {
    TROUPE_ASSIGN(const bool there, add_from_here(own_share()));
    if (!there)
      return std::optional<values>();
  }
  auto answers = asking.wait();
  for (size_t i = 0; i < to.size(); ++i) {
    auto value = read_value(*to[i], std::move(answers[i]));
    if (!value.ok())
      TROUPE_TRY(lose(to[i], value.error()));
    else if (*value)
      out.push_back(std::move(**value));
    else
      return std::optional<values>();
  }
  for (const auto& r : lost_) {
    TROUPE_ASSIGN(const bool there, add_from_here({"", {}, r->name()}));
    if (!there)
      return std::optional<values>();
  }
  env_.parts_pushed->add();
  return std::optional(std::move(out));
}

}  // namespace troupe::global
