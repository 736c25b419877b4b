#include "pipeline/remote/merged_reader.h"

#include "storage/chunk/series_merge.h"

#include <algorithm>

namespace troupe::remote {
namespace {

constexpr int64_t shortest_wait_ms = 1;

using storage::querier;
using storage::series_set;

class merged_querier final : public querier {
 public:
  merged_querier(const merged_environment& env, std::unique_ptr<querier> local,
                 std::shared_ptr<const remote_sources> sources, timestamp_ms mint,
                 timestamp_ms maxt, query_patience patience)
      : env_(env),
        local_(std::move(local)),
        sources_(std::move(sources)),
        mint_(mint),
        maxt_(maxt),
        patience_(patience) {}

  result<std::unique_ptr<series_set>> select(const storage::select_hints& hints,
                                             std::span<const matcher> ms) override {
    read_query q;
    q.start = mint_;
    q.end = maxt_;
    if (hints.start != 0 || hints.end != 0) {
      q.start = std::max(q.start, hints.start);
      q.end = std::min(q.end, hints.end);
    }
    q.ms.assign(ms.begin(), ms.end());
    q.hints = hints;
    auto sets = ask(q);
    TROUPE_ASSIGN(auto stored, local_->select(hints, ms));
    if (sets.empty())
      return stored;
    sets.push_back(std::move(stored));
    return storage::merge_series(std::move(sets));
  }

  // Remote read has no way to ask for these.
  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) override {
    return local_->label_names(ms, limit);
  }
  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) override {
    return local_->label_values(name, ms, limit);
  }

  std::vector<std::string> warnings() const override {
    auto out = local_->warnings();
    out.insert(out.end(), warnings_.begin(), warnings_.end());
    return out;
  }

 private:
  // All at once; the slowest one decides how long it takes.
  std::vector<std::unique_ptr<series_set>> ask(const read_query& q) {
    std::vector<http::fetch_request> requests;
    std::vector<const remote_source*> asked;
    const timestamp_ms local_start = env_.local_start();
    // The last moments of a query still give an answer with a reason.
    const int64_t left_ms = std::max<int64_t>(
        (patience_.deadline_ns - env_.clk->monotonic_ns()) / 1'000'000, shortest_wait_ms);
    for (const auto& s : *sources_) {
      auto r = s->request_for(q, local_start);
      if (!r)
        continue;
      r->body = env_.compress(r->body);
      r->timeout_ms = std::min({r->timeout_ms, env_.longest_wait_ms, left_ms});
      requests.push_back(std::move(*r));
      asked.push_back(s.get());
    }
    std::vector<std::unique_ptr<series_set>> out;
    if (requests.empty())
      return out;
    auto answers = env_.fetch(std::move(requests), patience_.cancel);
    for (size_t i = 0; i < asked.size(); ++i) {
      auto set = asked[i]->read(std::move(answers[i]), q.ms, q.start, q.end);
      if (set.ok())
        out.push_back(std::move(*set));
      else
        warn("remote_read: " + std::string(set.error().message()));
    }
    return out;
  }

  void warn(std::string text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end())
      warnings_.push_back(std::move(text));
  }

  const merged_environment& env_;
  const std::unique_ptr<querier> local_;
  const std::shared_ptr<const remote_sources> sources_;
  const timestamp_ms mint_, maxt_;
  const query_patience patience_;
  std::vector<std::string> warnings_;
};

class one_query final : public storage::queryable {
 public:
  one_query(merged_reader& all, query_patience patience) : all_(all), patience_(patience) {}
  result<std::unique_ptr<querier>> open(std::string_view tenant, timestamp_ms mint,
                                        timestamp_ms maxt) override {
    return all_.open(tenant, mint, maxt, patience_);
  }
  result<std::vector<storage::exemplar_series>> exemplars(
      std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
      std::span<const matchers> selectors) override {
    return all_.exemplars(tenant, mint, maxt, selectors);
  }
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                            std::string_view family,
                                                            size_t limit) override {
    return all_.metadata_of(tenant, family, limit);
  }

 private:
  merged_reader& all_;
  const query_patience patience_;
};

}  // namespace

std::unique_ptr<storage::queryable> merged_reader::for_query(int64_t timeout_ms,
                                                             const std::atomic<bool>* cancel) {
  query_patience patience;
  patience.cancel = cancel;
  if (timeout_ms > 0)
    patience.deadline_ns = env_.clk->monotonic_ns() + timeout_ms * 1'000'000;
  return std::make_unique<one_query>(*this, patience);
}

void merged_reader::set_sources(remote_sources sources) {
  std::shared_ptr<const remote_sources> fresh;
  if (!sources.empty())
    fresh = std::make_shared<const remote_sources>(std::move(sources));
  std::atomic_store(&sources_, std::move(fresh));
}

result<std::unique_ptr<querier>> merged_reader::open(std::string_view tenant, timestamp_ms mint,
                                                     timestamp_ms maxt, query_patience patience) {
  TROUPE_ASSIGN(auto local, env_.local->open(tenant, mint, maxt));
  auto sources = std::atomic_load(&sources_);
  // Other tenants are nobody else's: the node's own canary.
  if (!sources || !tenant.empty())
    return local;
  return std::unique_ptr<querier>(std::make_unique<merged_querier>(
      env_, std::move(local), std::move(sources), mint, maxt, patience));
}

std::unique_ptr<storage::series_family> merged_reader::family(
    const storage::family_request& wanted) {
  const bool others = std::atomic_load(&sources_) != nullptr && wanted.tenant.empty();
  return others ? nullptr : env_.local->family(wanted);
}

}  // namespace troupe::remote
