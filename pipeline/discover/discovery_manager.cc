#include "pipeline/discover/discovery_manager.h"

#include "storage/base/log.h"

#include <algorithm>

namespace troupe::discover {
namespace {

const logger out_log("discover");

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t rebuild_gap_ns = 1000 * ns_per_ms;
constexpr size_t max_kept_dropped = 1'000'000;

}  // namespace

struct discovery_manager::probe {
  explicit probe(registry& r)
      : sources(r),
        targets(r.get_gauge("troupe_sd_discovered_targets", "Targets of all jobs.")),
        refused(r.get_gauge("troupe_sd_refused_targets",
                            "Discovered addresses that gave no valid target.")) {}
  source_figures sources;
  gauge& targets;
  gauge& refused;
};

discovery_manager::discovery_manager(discovery_environment env)
    : env_(std::move(env)),
      probe_(std::make_unique<probe>(*env_.metrics)),
      sets_(std::make_shared<target_sets>()),
      state_(std::make_shared<discovery_state>()) {}

discovery_manager::~discovery_manager() = default;

std::unique_ptr<discovery_manager::job> discovery_manager::make_job(
    const config::scrape_config& config, job* before, int64_t now_ns) {
  auto out = std::make_unique<job>();
  out->config = std::make_shared<const config::scrape_config>(config);
  // The same object as before tells the scrapers that nothing changed.
  if (before != nullptr && *before->config == config)
    out->config = before->config;
  auto client = env_.endpoints.settings(config.client);
  if (client.ok())
    out->client = std::move(*client);
  else
    out->client_error = client.error().message();
  out->sources =
      std::make_unique<group_sources>("job " + config.job_name, config.discovery,
                                      before == nullptr ? nullptr : before->sources.get(), env_,
                                      probe_->sources, next_token_, now_ns);
  if (before != nullptr)
    out->targets = std::move(before->targets);
  return out;
}

void discovery_manager::apply(const std::shared_ptr<const config::config>& conf, int64_t now_ns) {
  std::vector<std::unique_ptr<job>> next;
  for (const auto& config : conf->scrape_configs) {
    const auto before = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& j) {
      return j != nullptr && j->config->job_name == config.job_name;
    });
    next.push_back(make_job(config, before == jobs_.end() ? nullptr : before->get(), now_ns));
  }
  jobs_ = std::move(next);
  watch_folders();
  for (auto& j : jobs_)
    j->sources->read_all_files(now_ns);
  for (auto& j : jobs_)
    rebuild(*j);
  publish();
}

void discovery_manager::watch_folders() {
  if (env_.watcher == nullptr)
    return;
  std::vector<std::string> all;
  for (const auto& j : jobs_)
    j->sources->add_folders(all);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  env_.watcher->watch(all);
}

void discovery_manager::refresh_files(int64_t now_ns) {
  const auto changed =
      env_.watcher == nullptr ? std::vector<std::string>() : env_.watcher->changed();
  bool any_due = false;
  for (auto& j : jobs_)
    any_due = j->sources->read_files(now_ns, changed) || any_due;
  // A folder that was missing or replaced is taken up again here.
  if (any_due || !changed.empty())
    watch_folders();
}

std::vector<http::fetch_request> discovery_manager::tick(int64_t now_ns) {
  refresh_files(now_ns);
  std::vector<http::fetch_request> out;
  for (auto& j : jobs_) {
    j->sources->start_fetches(now_ns, out);
    j->dirty = j->sources->take_changed() || j->dirty;
  }
  const bool dirty = std::any_of(jobs_.begin(), jobs_.end(), [](auto& j) { return j->dirty; });
  if (dirty && now_ns >= next_rebuild_ns_) {
    next_rebuild_ns_ = now_ns + rebuild_gap_ns;
    for (auto& j : jobs_)
      if (j->dirty)
        rebuild(*j);
    publish();
  }
  return out;
}

void discovery_manager::on_result(const http::fetch_result& got) {
  for (auto& j : jobs_)
    if (j->sources->on_result(got))
      return;
}

void discovery_manager::add_group(job& j, target_maker& maker, const config::target_group& group,
                                  std::map<uint64_t, target_ptr>& seen,
                                  const std::map<uint64_t, target_ptr>& before) {
  const auto keep_limit = j.config->limits.keep_dropped_targets;
  for (const auto& address : group.targets) {
    auto made = maker.make(address, group.labels);
    if (!made.error.ok()) {
      if (j.pool.refused_count++ == 0)
        j.pool.refused_example = address + ": " + std::string(made.error.message());
      continue;
    }
    if (made.made == nullptr) {
      ++j.pool.dropped_count;
      const auto kept = j.pool.dropped.size();
      if (kept < max_kept_dropped && (keep_limit == 0 || kept < keep_limit))
        j.pool.dropped.push_back(made.discovered);
      continue;
    }
    // The object of the last round, where nothing changed: its memory is there already.
    const auto old = before.find(made.made->id);
    if (old != before.end() && old->second->discovered == made.discovered)
      made.made = old->second;
    if (seen.emplace(made.made->id, made.made).second)
      j.targets.targets.push_back(made.made);
  }
}

void discovery_manager::rebuild(job& j) {
  j.dirty = false;
  (void)j.sources->take_changed();
  std::map<uint64_t, target_ptr> before, seen;
  for (auto& t : j.targets.targets)
    before.emplace(t->id, t);
  j.targets = {j.config, j.client, {}, j.client_error};
  j.pool = {};
  j.pool.name = j.config->job_name;
  auto maker = target_maker::create(*j.config);
  if (!maker.ok()) {
    j.targets.error = maker.error().message();
    return;
  }
  j.sources->for_each_group(
      [&](const config::target_group& group) { add_group(j, *maker, group, seen, before); });
  j.pool.errors = j.sources->errors();
  for (const auto& inert : j.config->discovery.inert)
    j.pool.inert.push_back(inert.kind);
  j.pool.active = j.targets.targets.size();
  const auto limit = j.config->limits.targets;
  if (limit != 0 && j.pool.active > limit)
    j.targets.error = "target_limit exceeded (number of targets: " + std::to_string(j.pool.active) +
                      ", limit: " + std::to_string(limit) + ")";
  if (j.pool.refused_count != 0)
    out_log.error("job {}: {} addresses give no valid target, the first one: {}", j.pool.name,
                  j.pool.refused_count, j.pool.refused_example);
}

void discovery_manager::publish() {
  auto sets = std::make_shared<target_sets>();
  auto state = std::make_shared<discovery_state>();
  size_t active = 0;
  uint64_t refused = 0;
  for (const auto& j : jobs_) {
    sets->jobs.push_back(j->targets);
    state->pools.push_back(j->pool);
    active += j->pool.active;
    refused += j->pool.refused_count;
  }
  probe_->targets.set(static_cast<double>(active));
  probe_->refused.set(static_cast<double>(refused));
  sets_ = std::move(sets);
  state_ = std::move(state);
  changed_ = true;
}

std::shared_ptr<const target_sets> discovery_manager::take_changes() {
  if (!changed_)
    return nullptr;
  changed_ = false;
  return sets_;
}

}  // namespace troupe::discover
