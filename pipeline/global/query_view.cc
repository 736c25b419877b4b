#include "pipeline/global/query_view.h"

#include "pipeline/global/external_labels.h"
#include "pipeline/global/global_querier.h"
#include "pipeline/global/matching.h"
#include "pipeline/global/questions.h"
#include "pipeline/ingest/watermarks.h"
#include "storage/base/civil_time.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::global {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr size_t max_shown_body = 256;
/// What a query keeps of its time for itself when it waits for regions: one part in so many, and no
/// more than so long.
constexpr int64_t reserved_share = 4;
constexpr int64_t most_reserved_ns = 5'000 * ns_per_ms;
/// A request that is over in time comes a little later.
constexpr int64_t most_slack_ns = 250 * ns_per_ms;

void add_new(std::vector<std::string>& to, std::string text) {
  if (std::find(to.begin(), to.end(), text) == to.end())
    to.push_back(std::move(text));
}

patience patience_of(const clock& clk, const view_options& o) {
  patience out;
  out.cancel = o.cancel;
  if (o.timeout_ms > 0) {
    const int64_t all_ns = o.timeout_ms * ns_per_ms;
    const int64_t reserved_ns = std::min(all_ns / reserved_share, most_reserved_ns);
    out.deadline_ns = clk.monotonic_ns() + all_ns - reserved_ns;
    out.end_ns = out.deadline_ns + std::min(reserved_ns / 2, most_slack_ns);
  }
  return out;
}

}  // namespace

query_view::query_view(const view_environment& env, view_options options,
                       std::unique_ptr<storage::queryable> local)
    : env_(env),
      options_(std::move(options)),
      local_(std::move(local)),
      patience_(patience_of(*env.clk, options_)),
      reachable_(options_.regions) {}

result<std::unique_ptr<storage::querier>> query_view::open(std::string_view tenant,
                                                           timestamp_ms mint, timestamp_ms maxt) {
  TROUPE_ASSIGN(auto local, local_->open(tenant, mint, maxt));
  // Other tenants are nobody else's: the node's own canary.
  if (!tenant.empty())
    return local;
  if (options_.local)
    local = share_of(std::move(local), own_share(), mint, maxt);
  return std::unique_ptr<storage::querier>(
      std::make_unique<global_querier>(*this, std::move(local), mint, maxt));
}

std::string_view query_view::parting_label() const {
  return region_label;
}

std::vector<std::string> query_view::asked() const {
  std::vector<std::string> out;
  for (const auto& r : options_.regions)
    out.push_back(r->name());
  return out;
}

void query_view::warn(std::string text) {
  add_new(warnings_, std::move(text));
}

void query_view::warn_of(const region& r, const std::vector<std::string>& warnings) {
  for (const auto& w : warnings)
    warn(r.name() + ": " + w);
}

void query_view::inform(const std::vector<std::string>& infos) {
  for (const auto& i : infos)
    add_new(infos_, i);
}

status query_view::ask(std::span<const matcher> ms, const make_question& make,
                       const std::function<status()>& meanwhile, const take_answer& take) {
  fan_out out(*env_.clk, patience_);
  std::vector<region_ptr> to;
  for (const auto& r : reachable_)
    if (const auto own = own_matchers(ms, r->name())) {
      out.ask(r, make(*own));
      to.push_back(r);
    }
  TROUPE_TRY(meanwhile());
  auto answers = out.wait();
  for (size_t i = 0; i < to.size(); ++i) {
    auto& a = answers[i];
    status s = a.error;
    if (a.refused())
      s = status(errc::unavailable,
                 fmt::format("region \"{}\" refused the request: HTTP status {}: {}", to[i]->name(),
                             a.result.code, a.result.body.substr(0, max_shown_body)));
    else if (s.ok())
      if (const auto taken = take(to[i], std::move(a.result)); !taken.ok())
        s = status(errc::unavailable, fmt::format("region \"{}\" gave no usable answer: {}",
                                                  to[i]->name(), taken.message()));
    if (!s.ok())
      TROUPE_TRY(lose(to[i], s));
  }
  return {};
}

std::set<std::string> query_view::added_labels(const region_ptr& to,
                                               const http::fetch_result& answer) {
  if (!http::find_header(answer.header_fields, plain_labels_header).empty())
    return {};
  if (auto known = to->added_labels())
    return std::move(*known);
  fan_out out(*env_.clk, patience_);
  out.ask(to, config_question());
  const auto got = std::move(out.wait()[0]);
  // Who never shows its configuration is taken to have none.
  if (!got.error.ok() || got.refused())
    return to->note_added_labels(std::nullopt);
  return to->note_added_labels(external_label_names(got.result.body));
}

status query_view::lose(const region_ptr& r, const status& why) {
  if (!options_.partial || why.code() == errc::canceled)
    return why;
  std::erase(reachable_, r);
  lost_.push_back(r);
  warn(std::string(why.message()) + ": " + replicas_of(r->name()));
  return {};
}

std::string query_view::replicas_of(const std::string& region) {
  const auto q = local_->open("", min_time, max_time);
  if (!q.ok())
    return "its series are missing";
  const matcher of_it = matcher::equal(std::string(region_label), region);
  const auto names = (*q)->label_names({&of_it, 1}, 1);
  if (!names.ok() || names->empty())
    return "its series are missing";
  timestamp_ms until = min_time;
  if (env_.watermarks != nullptr)
    for (const auto& w : env_.watermarks->list())
      if (w.adds.get(region_label) == region)
        until = std::max(until, w.complete_until);
  return "its replicas here stand in for it, complete until " +
         (until == min_time ? "an unknown time" : format_rfc3339(until));
}

}  // namespace troupe::global
