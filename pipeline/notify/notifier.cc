#include "pipeline/notify/notifier.h"

#include "storage/base/log.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace troupe::notify {
namespace {

const logger out_log("notify");

const std::vector<double> latency_bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                         0.5,   1,    2.5,   5,    10,  30};

}  // namespace

struct notifier::probe {
  probe(registry& r, const notifier_options& options)
      : metrics(r),
        sources(r),
        dropped(r.get_counter("troupe_notifications_dropped_total",
                              "Alerts dropped for a full queue, a refused request, an "
                              "Alertmanager that is gone or the end of the process.")),
        queued(r.get_gauge("troupe_notifications_queue_length",
                           "Alerts that wait, of all Alertmanagers.")),
        discovered(r.get_gauge("troupe_notifications_alertmanagers_discovered",
                               "Alertmanagers that alerts are sent to.")) {
    r.get_gauge("troupe_notifications_queue_capacity", "Most alerts that wait for an Alertmanager.")
        .set(static_cast<double>(options.queue_capacity));
    for (const auto* name :
         {"dropped_total", "queue_length", "alertmanagers_discovered", "queue_capacity"})
      alias(name);
  }

  send_figures of(const std::string& url) {
    const label_pairs by_url{{"alertmanager", url}};
    send_figures out{
        metrics.get_counter("troupe_notifications_sent_total", "Alerts sent.", by_url),
        metrics.get_counter("troupe_notifications_errors_total", "Alerts in requests that failed.",
                            by_url),
        dropped,
        metrics.get_histogram("troupe_notifications_latency_seconds",
                              "How long requests with alerts take.", latency_bounds, by_url)};
    for (const auto* name : {"sent_total", "errors_total", "latency_seconds"})
      alias(name);
    return out;
  }

  void alias(const std::string& name) {
    metrics.add_alias("troupe_notifications_" + name, "prometheus_notifications_" + name);
  }

  registry& metrics;
  discover::source_figures sources;
  counter& dropped;
  gauge& queued;
  gauge& discovered;
};

notifier::notifier(notifier_options options, discover::discovery_environment env)
    : options_(options),
      env_(std::move(env)),
      probe_(std::make_unique<probe>(*env_.metrics, options)),
      conf_(std::make_shared<const config::config>()),
      state_(std::make_shared<const alertmanagers_state>()) {}

notifier::~notifier() = default;

void notifier::apply(const std::shared_ptr<const config::config>& conf, int64_t now_ns) {
  conf_ = conf;
  rules_error_.clear();
  auto rules =
      relabel::rules::compile(conf->alerting.alert_relabel_configs, conf->global.validation);
  if (rules.ok()) {
    rules_ = std::move(*rules);
  } else {
    rules_ = {};
    rules_error_ = "alert_relabel_configs: " + std::string(rules.error().message());
    out_log.error("{}", rules_error_);
  }
  auto before = std::exchange(entries_, {});
  for (size_t i = 0; i < conf->alerting.alertmanagers.size(); ++i) {
    const auto& config = conf->alerting.alertmanagers[i];
    auto same = std::find_if(before.begin(), before.end(),
                             [&](const auto& e) { return e != nullptr && e->config == config; });
    const auto kept = same == before.end() ? nullptr : std::move(*same);
    entries_.push_back(make_entry(config, i, kept.get(), now_ns));
  }
  for (auto& e : before)
    if (e != nullptr)
      std::move(e->loops.begin(), e->loops.end(), std::back_inserter(orphans_));
  watch_folders();
  for (auto& e : entries_) {
    e->sources->read_all_files(now_ns);
    resolve(*e);
  }
  for (auto& loop : std::exchange(orphans_, {}))
    loop->abandon();
  publish();
}

std::unique_ptr<notifier::entry> notifier::make_entry(const config::alertmanager_config& config,
                                                      size_t index, entry* before, int64_t now_ns) {
  auto out = std::make_unique<entry>();
  out->config = config;
  if (const auto made = prepare(*out); !made.ok()) {
    out->error = made.message();
    out_log.error("alertmanagers[{}]: {}", index, out->error);
  }
  out->sources = std::make_unique<discover::group_sources>(
      "alertmanagers[" + std::to_string(index) + "]", config.discovery,
      before == nullptr ? nullptr : before->sources.get(), env_, probe_->sources, next_token_,
      now_ns);
  if (before != nullptr)
    out->loops = std::move(before->loops);
  return out;
}

status notifier::prepare(entry& e) const {
  const auto validation = conf_->global.validation;
  if (e.config.sigv4)
    e.grants = env_.endpoints.signing(*e.config.sigv4);
  TROUPE_ASSIGN(e.resolver, alertmanager_resolver::create(e.config, validation));
  TROUPE_ASSIGN(e.alert_rules, relabel::rules::compile(e.config.alert_relabel_configs, validation));
  TROUPE_ASSIGN(e.client, env_.endpoints.settings(e.config.client));
  return ok_status();
}

std::unique_ptr<send_loop> notifier::make_loop(const entry& e, const std::string& url,
                                               std::string& error) {
  auto to = env_.endpoints.endpoint(url, e.client, {});
  if (!to.ok()) {
    error = url + ": " + std::string(to.error().message());
    return nullptr;
  }
  const send_options options{options_.queue_capacity, options_.batch_size, e.config.timeout_ms,
                             e.grants};
  auto made = std::make_unique<send_loop>(url, std::move(*to), options, probe_->of(url));
  const auto orphan = std::find_if(orphans_.begin(), orphans_.end(),
                                   [&](const auto& loop) { return loop->url() == url; });
  if (orphan != orphans_.end())
    made->push((*orphan)->release());
  return made;
}

void notifier::resolve(entry& e) {
  (void)e.sources->take_changed();
  e.dropped.clear();
  e.errors = e.sources->errors();
  auto before = std::exchange(e.loops, {});
  std::set<std::string> seen;
  const auto add = [&](const std::string& address, const config::target_group& group) {
    const auto found = e.resolver.resolve(address, group.labels);
    if (found.dropped) {
      e.dropped.push_back(found.url);
      return;
    }
    if (!found.error.ok()) {
      e.errors.push_back(address + ": " + std::string(found.error.message()));
      return;
    }
    if (!seen.insert(found.url).second)
      return;
    const auto kept = std::find_if(before.begin(), before.end(), [&](const auto& loop) {
      return loop != nullptr && loop->url() == found.url;
    });
    std::string error;
    auto loop = kept != before.end() ? std::move(*kept) : make_loop(e, found.url, error);
    if (loop)
      e.loops.push_back(std::move(loop));
    else
      e.errors.push_back(error);
  };
  if (e.error.empty())
    e.sources->for_each_group([&](const config::target_group& group) {
      for (const auto& address : group.targets)
        add(address, group);
    });
  for (auto& loop : before)
    if (loop != nullptr)
      loop->abandon();
}

void notifier::watch_folders() {
  if (env_.watcher == nullptr)
    return;
  std::vector<std::string> all;
  for (const auto& e : entries_)
    e->sources->add_folders(all);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  env_.watcher->watch(all);
}

void notifier::publish() {
  auto state = std::make_shared<alertmanagers_state>();
  if (!rules_error_.empty())
    state->errors.push_back(rules_error_);
  for (const auto& e : entries_) {
    for (const auto& loop : e->loops)
      state->active.push_back(loop->url());
    state->dropped.insert(state->dropped.end(), e->dropped.begin(), e->dropped.end());
    if (!e->error.empty())
      state->errors.push_back(e->error);
    state->errors.insert(state->errors.end(), e->errors.begin(), e->errors.end());
  }
  probe_->discovered.set(static_cast<double>(state->active.size()));
  state_ = std::move(state);
}

std::vector<alert_ptr> notifier::relabelled(const std::vector<alert_ptr>& alerts,
                                            const std::map<std::string, std::string>& external,
                                            const relabel::rules& rules) {
  std::vector<alert_ptr> out;
  out.reserve(alerts.size());
  labels_builder b;
  for (const auto& a : alerts) {
    b.reset(a->identity);
    for (const auto& [name, value] : external)
      if (b.get(name).empty())
        b.set(name, value);
    if (!rules.apply(b))
      continue;
    auto made = std::make_shared<alert>(*a);
    made->identity = b.build();
    out.push_back(std::move(made));
  }
  return out;
}

void notifier::send(const std::vector<alert_ptr>& alerts) {
  const auto labelled = relabelled(alerts, conf_->global.external_labels, rules_);
  for (auto& e : entries_) {
    if (e->loops.empty() || stopping_)
      continue;
    const auto own = e->alert_rules.empty() ? labelled : relabelled(labelled, {}, e->alert_rules);
    for (auto& loop : e->loops)
      loop->push(own);
  }
  probe_->queued.set(static_cast<double>(queued()));
}

std::vector<http::fetch_request> notifier::tick(int64_t now_ns) {
  std::vector<http::fetch_request> out;
  const auto changed =
      env_.watcher == nullptr ? std::vector<std::string>() : env_.watcher->changed();
  bool any_due = false, any_changed = false;
  for (auto& e : entries_) {
    any_due = e->sources->read_files(now_ns, changed) || any_due;
    if (!stopping_)
      e->sources->start_fetches(now_ns, out);
    if (e->sources->take_changed()) {
      resolve(*e);
      any_changed = true;
    }
    for (auto& loop : e->loops)
      if (auto request = loop->next_request(next_token_, now_ns)) {
        ++next_token_;
        out.push_back(std::move(*request));
      }
  }
  // A folder that was missing or replaced is taken up again here.
  if (any_due || !changed.empty())
    watch_folders();
  if (any_changed)
    publish();
  probe_->queued.set(static_cast<double>(queued()));
  return out;
}

void notifier::on_result(const http::fetch_result& got, int64_t now_ns) {
  for (auto& e : entries_) {
    if (e->sources->on_result(got))
      return;
    for (auto& loop : e->loops)
      if (loop->on_result(got, now_ns))
        return;
  }
}

void notifier::stop() {
  stopping_ = true;
  if (!options_.drain_on_stop)
    abandon();
}

bool notifier::idle() const {
  return queued() == 0;
}

void notifier::abandon() {
  for (auto& e : entries_)
    for (auto& loop : e->loops)
      loop->abandon();
  probe_->queued.set(0);
}

size_t notifier::queued() const {
  size_t n = 0;
  for (const auto& e : entries_)
    for (const auto& loop : e->loops)
      n += loop->queued();
  return n;
}

}  // namespace troupe::notify
