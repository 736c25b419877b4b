#include "config/diff.h"

#include <map>

namespace troupe::config {
namespace {

std::map<std::string, const scrape_config*> by_name(const config& c) {
  std::map<std::string, const scrape_config*> out;
  for (const auto& j : c.scrape_configs)
    out.emplace(j.job_name, &j);
  return out;
}

bool same_target_labels(const scrape_config& a, const scrape_config& b) {
  return a.relabel_configs == b.relabel_configs && a.scheme == b.scheme &&
         a.metrics_path == b.metrics_path && a.params == b.params &&
         a.scrape_interval_ms == b.scrape_interval_ms && a.scrape_timeout_ms == b.scrape_timeout_ms;
}

// Everything that is neither discovery nor a target's labels; the file a job stands in changes
// nothing.
bool same_scrape(const scrape_config& a, const scrape_config& b) {
  auto rest = a;
  rest.discovery = b.discovery;
  rest.relabel_configs = b.relabel_configs;
  rest.scheme = b.scheme;
  rest.metrics_path = b.metrics_path;
  rest.params = b.params;
  rest.scrape_interval_ms = b.scrape_interval_ms;
  rest.scrape_timeout_ms = b.scrape_timeout_ms;
  rest.source_file = b.source_file;
  return rest == b;
}

}  // namespace

bool config_diff::empty() const {
  return added_jobs.empty() && removed_jobs.empty() && changed_jobs.empty() && !external_labels &&
         !evaluation && !query_log && !rules && !alerting && !remote_write && !remote_read &&
         !storage && !otlp && !tracing;
}

config_diff diff(const config& before, const config& after) {
  config_diff d;
  const auto old_jobs = by_name(before);
  const auto new_jobs = by_name(after);
  for (const auto& [name, job] : old_jobs)
    if (!new_jobs.contains(name))
      d.removed_jobs.push_back(name);
  for (const auto& [name, job] : new_jobs) {
    const auto old = old_jobs.find(name);
    if (old == old_jobs.end()) {
      d.added_jobs.push_back(name);
      continue;
    }
    job_change change{name, old->second->discovery != job->discovery,
                      !same_target_labels(*old->second, *job), !same_scrape(*old->second, *job)};
    if (change.discovery || change.target_labels || change.scrape)
      d.changed_jobs.push_back(std::move(change));
  }
  const auto& a = before.global;
  const auto& b = after.global;
  d.external_labels = a.external_labels != b.external_labels;
  d.evaluation = a.evaluation_interval_ms != b.evaluation_interval_ms ||
                 a.rule_query_offset_ms != b.rule_query_offset_ms;
  d.query_log = a.query_log_file != b.query_log_file;
  d.rules = before.rule_groups != after.rule_groups || before.rule_files != after.rule_files;
  d.alerting = before.alerting != after.alerting;
  d.remote_write = before.remote_write != after.remote_write;
  d.remote_read = before.remote_read != after.remote_read;
  d.storage = before.storage != after.storage;
  d.otlp = before.otlp != after.otlp;
  d.tracing = before.tracing != after.tracing;
  return d;
}

}  // namespace troupe::config
