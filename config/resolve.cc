#include "config/resolve.h"

#include "config/defaults.h"

#include <algorithm>
#include <cctype>

namespace troupe::config {
namespace {

constexpr scrape_protocol text_protocols[] = {
    scrape_protocol::openmetrics_text_1_0, scrape_protocol::openmetrics_text_0_1,
    scrape_protocol::prometheus_text_1_0, scrape_protocol::prometheus_text_0_4};

void inherit(uint64_t& own, uint64_t global) {
  if (own == 0)
    own = global;
}

std::vector<scrape_protocol> default_protocols(bool native_histograms) {
  std::vector<scrape_protocol> out(std::begin(text_protocols), std::end(text_protocols));
  if (native_histograms)
    out.insert(out.begin(), scrape_protocol::prometheus_proto);
  return out;
}

name_escaping escaping_for(name_validation v) {
  return v == name_validation::legacy ? name_escaping::underscores : name_escaping::allow_utf8;
}

// Length of the variable's name at the start of `s` (behind the dollar) and of what it takes up, as
// Go's os.getShellName: an empty name with a width is bad syntax to be eaten.
struct shell_name {
  std::string_view name;
  size_t width;
};

bool is_special(char c) {
  return std::string_view("*#$@!?-0123456789").find(c) != std::string_view::npos;
}

shell_name next_name(std::string_view s) {
  if (s.front() == '{') {
    if (s.size() > 2 && is_special(s[1]) && s[2] == '}')
      return {s.substr(1, 1), 3};
    const auto end = s.find('}');
    if (end == std::string_view::npos)
      return {{}, 1};
    return {s.substr(1, end - 1), end + 1};
  }
  if (is_special(s.front()))
    return {s.substr(0, 1), 1};
  size_t n = 0;
  while (n < s.size() && (std::isalnum(static_cast<unsigned char>(s[n])) || s[n] == '_'))
    ++n;
  return {s.substr(0, n), n};
}

}  // namespace

global_config unset_global() {
  global_config g;
  g.scrape_interval_ms = g.scrape_timeout_ms = g.evaluation_interval_ms = 0;
  return g;
}

void resolve(global_config& g) {
  if (g.scrape_interval_ms == 0)
    g.scrape_interval_ms = defaults::scrape_interval_ms;
  if (g.scrape_timeout_ms == 0)
    g.scrape_timeout_ms = std::min(defaults::scrape_timeout_ms, g.scrape_interval_ms);
  if (g.evaluation_interval_ms == 0)
    g.evaluation_interval_ms = defaults::evaluation_interval_ms;
}

job_draft unset_job(const global_config& g) {
  job_draft d;
  d.job.scrape_native_histograms = g.scrape_native_histograms;
  d.job.always_scrape_classic_histograms = g.always_scrape_classic_histograms;
  d.job.convert_classic_histograms_to_nhcb = g.convert_classic_histograms_to_nhcb;
  d.job.extra_scrape_metrics = g.extra_scrape_metrics;
  return d;
}

scrape_config resolve(job_draft d, const global_config& g) {
  auto& c = d.job;
  if (c.scrape_interval_ms == 0)
    c.scrape_interval_ms = g.scrape_interval_ms;
  if (c.scrape_timeout_ms == 0)
    c.scrape_timeout_ms = std::min(g.scrape_timeout_ms, c.scrape_interval_ms);
  inherit(c.limits.body_size, g.limits.body_size);
  inherit(c.limits.samples, g.limits.samples);
  inherit(c.limits.targets, g.limits.targets);
  inherit(c.limits.labels, g.limits.labels);
  inherit(c.limits.label_name_length, g.limits.label_name_length);
  inherit(c.limits.label_value_length, g.limits.label_value_length);
  inherit(c.limits.keep_dropped_targets, g.limits.keep_dropped_targets);
  if (c.scrape_failure_log_file.empty())
    c.scrape_failure_log_file = g.scrape_failure_log_file;
  if (c.scrape_protocols.empty())
    c.scrape_protocols = g.scrape_protocols.empty() ? default_protocols(c.scrape_native_histograms)
                                                    : g.scrape_protocols;
  c.validation = d.validation.value_or(g.validation);
  // A job that sets its own validation scheme does not inherit global's escaping.
  if (d.escaping)
    c.escaping = *d.escaping;
  else if (d.validation)
    c.escaping = escaping_for(*d.validation);
  else
    c.escaping = g.escaping.value_or(escaping_for(g.validation));
  return std::move(c);
}

job_draft to_draft(const scrape_config& job) {
  return {job, job.validation, job.escaping};
}

std::string expand_variables(std::string_view text,
                             const std::function<std::string(const std::string&)>& environment,
                             std::vector<std::string>& missing) {
  std::string out;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    if (dollar == std::string_view::npos || dollar + 1 == text.size())
      return out + std::string(text);
    out += text.substr(0, dollar);
    text.remove_prefix(dollar + 1);
    const auto [name, width] = next_name(text);
    text.remove_prefix(width);
    if (name.empty()) {
      if (width == 0)
        out += '$';
      continue;
    }
    if (name == "$") {
      out += '$';
      continue;
    }
    auto value = environment(std::string(name));
    if (value.empty())
      missing.emplace_back(name);
    out += value;
  }
  return out;
}

}  // namespace troupe::config
