#include "pipeline/discover/group_sources.h"

#include "storage/base/log.h"

#include <algorithm>
#include <utility>

namespace troupe::discover {
namespace {

const logger out_log("discover");

constexpr int64_t ns_per_ms = 1'000'000;

bool mentions(const std::vector<std::string>& folders, const std::vector<std::string>& changed) {
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& f) {
    return std::find(changed.begin(), changed.end(), f) != changed.end();
  });
}

http_sd make_http_sd(const config::http_sd_config& config, const endpoint_factory& make) {
  const auto settings = make.settings(config.client);
  if (!settings.ok())
    return {config, nullptr, std::string(settings.error().message())};
  auto to = make.endpoint(config.url, *settings, http_sd::request_headers(config));
  if (!to.ok())
    return {config, nullptr, std::string(to.error().message())};
  return {config, std::move(*to), ""};
}

}  // namespace

source_figures::source_figures(registry& r)
    : file_errors(r.get_counter("troupe_sd_file_read_errors_total",
                                "Files of file_sd that could not be read or parsed.")),
      http_errors(r.get_counter("troupe_sd_http_failures_total", "Failed http_sd refreshes.")) {
  r.add_alias("troupe_sd_file_read_errors_total", "prometheus_sd_file_read_errors_total");
  r.add_alias("troupe_sd_http_failures_total", "prometheus_sd_http_failures_total");
}

group_sources::group_sources(std::string owner, const config::service_discovery& config,
                             group_sources* before, const discovery_environment& env,
                             source_figures& figures, uint64_t& next_token, int64_t now_ns)
    : owner_(std::move(owner)), static_groups_(config.static_groups), figures_(&figures) {
  for (const auto& file : config.file) {
    file_source made{file_sd(file, *env.files), now_ns};
    if (before != nullptr)
      for (auto& old : before->files_)
        if (old.sd.config() == file)
          made.sd = std::move(old.sd);
    files_.push_back(std::move(made));
  }
  for (const auto& http : config.http) {
    if (auto* kept = before == nullptr ? nullptr : before->take_http(http)) {
      https_.push_back(std::move(*kept));
      kept->token = 0;
    } else {
      https_.push_back({make_http_sd(http, env.endpoints), next_token++, now_ns, false});
    }
  }
}

group_sources::http_source* group_sources::take_http(const config::http_sd_config& config) {
  for (auto& h : https_)
    if (h.token != 0 && h.sd.config() == config)
      return &h;
  return nullptr;
}

void group_sources::add_folders(std::vector<std::string>& out) const {
  for (const auto& f : files_) {
    const auto folders = f.sd.folders();
    out.insert(out.end(), folders.begin(), folders.end());
  }
}

void group_sources::read_file(file_source& f, int64_t now_ns) {
  const auto before = f.sd.errors();
  changed_ = f.sd.refresh() || changed_;
  const auto errors = f.sd.errors();
  figures_->file_errors.add(static_cast<double>(errors.size()));
  if (errors != before) {
    changed_ = true;
    for (const auto& e : errors)
      out_log.error("{}: {}", owner_, e);
  }
  f.next_ns = now_ns + f.sd.config().refresh_interval_ms * ns_per_ms;
}

void group_sources::read_all_files(int64_t now_ns) {
  for (auto& f : files_)
    read_file(f, now_ns);
}

bool group_sources::read_files(int64_t now_ns, const std::vector<std::string>& changed) {
  bool any_due = false;
  for (auto& f : files_) {
    const bool due = now_ns >= f.next_ns;
    any_due = any_due || due;
    if (due || (!changed.empty() && mentions(f.sd.folders(), changed)))
      read_file(f, now_ns);
  }
  return any_due;
}

void group_sources::start_fetches(int64_t now_ns, std::vector<http::fetch_request>& out) {
  for (auto& h : https_) {
    if (h.in_flight || now_ns < h.next_ns || !h.sd.can_fetch())
      continue;
    h.in_flight = true;
    h.next_ns = now_ns + h.sd.config().refresh_interval_ms * ns_per_ms;
    out.push_back(h.sd.request(h.token));
  }
}

bool group_sources::on_result(const http::fetch_result& got) {
  const auto h = std::find_if(https_.begin(), https_.end(),
                              [&](const http_source& s) { return s.token == got.token; });
  if (h == https_.end())
    return false;
  h->in_flight = false;
  const auto before = h->sd.error();
  changed_ = h->sd.on_result(got) || changed_;
  const auto error = h->sd.error();
  if (!error.empty())
    figures_->http_errors.add();
  if (error != before) {
    changed_ = true;
    if (!error.empty())
      out_log.error("{}: {}", owner_, error);
  }
  return true;
}

bool group_sources::take_changed() {
  return std::exchange(changed_, false);
}

void group_sources::for_each_group(
    const std::function<void(const config::target_group&)>& f) const {
  for (const auto& group : static_groups_)
    f(group);
  for (const auto& file : files_)
    for (const auto& group : file.sd.groups())
      f(group);
  for (const auto& h : https_)
    for (const auto& group : h.sd.groups())
      f(group);
}

std::vector<std::string> group_sources::errors() const {
  std::vector<std::string> out;
  for (const auto& f : files_) {
    const auto errors = f.sd.errors();
    out.insert(out.end(), errors.begin(), errors.end());
  }
  for (const auto& h : https_)
    if (auto error = h.sd.error(); !error.empty())
      out.push_back(std::move(error));
  return out;
}

}  // namespace troupe::discover
