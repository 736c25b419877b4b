#include "pipeline/api/query_source.h"

#include "pipeline/api/handlers.h"
#include "pipeline/global/global_view.h"
#include "query/engine/engine.h"

#include <algorithm>

namespace troupe::api {

namespace {

result<bool> flag_param(const http::request& r, std::string_view name) {
  const auto text = r.param(name).value_or("");
  if (text.empty() || text == "false" || text == "0")
    return false;
  if (text == "true" || text == "1")
    return true;
  return {errc::invalid_argument,
          "invalid parameter \"" + std::string(name) + "\": must be true or false"};
}

std::vector<std::string> names_of(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (comma > 0)
      out.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

}  // namespace

query_source::query_source() = default;
query_source::query_source(query_source&&) noexcept = default;
query_source::~query_source() = default;

result<query_source> query_source::of(const services& s, const http::request& r,
                                      int64_t timeout_ms) {
  query_source out;
  const int64_t time_ms = timeout_ms > 0 ? timeout_ms : s.query_timeout_ms;
  if (s.global_view == nullptr || s.global_view->empty()) {
    if (s.data_of_query)
      out.own_ = s.data_of_query(time_ms, r.gone.get());
    out.data_ = out.own_ ? out.own_.get() : s.data;
    return out;
  }
  global::view_wish wish;
  TROUPE_ASSIGN(wish.partial, flag_param(r, "partial_response"));
  if (const auto list = r.param("regions"); list && !list->empty())
    wish.regions = names_of(*list);
  wish.timeout_ms = time_ms;
  wish.cancel = r.gone.get();
  auto view = s.global_view->for_query(wish);
  if (!view.ok())
    return view.error().with_context("invalid parameter \"regions\"");
  out.view_ = std::move(*view);
  out.data_ = out.view_.get();
  return out;
}

query::part_evaluator* query_source::parts() const {
  const bool others = view_ != nullptr && !view_->asked().empty();
  return others ? view_.get() : nullptr;
}

void query_source::tell(const services& s, std::string_view query_text, timestamp_ms end,
                        query::query_result& q) const {
  // What a region told itself does not wait for what is taken over from it.
  add_lag_warnings(s, query_text, end, view_ ? view_->asked() : std::vector<std::string>(), q);
  if (view_ == nullptr)
    return;
  for (const auto& i : view_->infos())
    if (std::find(q.infos.begin(), q.infos.end(), i) == q.infos.end())
      q.infos.push_back(i);
}

}  // namespace troupe::api
