#include "pipeline/discover/target.h"

#include "storage/base/duration.h"
#include "storage/base/hash.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::discover {
namespace {

constexpr std::string_view address_label = "__address__";
constexpr std::string_view scheme_label = "__scheme__";
constexpr std::string_view path_label = "__metrics_path__";
constexpr std::string_view interval_label = "__scrape_interval__";
constexpr std::string_view timeout_label = "__scrape_timeout__";
constexpr std::string_view param_prefix = "__param_";
constexpr std::string_view meta_prefix = "__meta_";
constexpr std::string_view reserved_prefix = "__";

// What Go's net/url leaves as it is in a path and in a query component.
constexpr std::string_view path_safe = "-_.~$&+,/:;=@";
constexpr std::string_view query_safe = "-_.~";

void append_escaped(std::string& out, std::string_view text, std::string_view safe,
                    bool plus_for_space) {
  static constexpr char hex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (alnum || safe.find(c) != std::string_view::npos) {
      out += c;
    } else if (c == ' ' && plus_for_space) {
      out += '+';
    } else {
      out += '%';
      out += hex[u >> 4];
      out += hex[u & 15];
    }
  }
}

result<int64_t> positive_duration(std::string_view text, std::string_view what) {
  auto parsed = parse_duration(text);
  if (!parsed.ok())
    return {errc::invalid_argument,
            "error parsing " + std::string(what) + ": " + std::string(parsed.error().message())};
  if (*parsed == 0)
    return {errc::invalid_argument, std::string(what) + " cannot be 0"};
  return *parsed;
}

}  // namespace

result<target_maker> target_maker::create(const config::scrape_config& job) {
  target_maker out(job);
  TROUPE_ASSIGN(out.rules_, relabel::rules::compile(job.relabel_configs, job.validation));
  return out;
}

target_maker::outcome target_maker::make(const std::string& address,
                                         const std::map<std::string, std::string>& group_labels) {
  auto& b = builder_;
  b.clear();
  for (const auto& [name, value] : group_labels)
    b.set(name, value);
  b.set(address_label, address);
  const auto set_default = [&](std::string_view name, std::string_view value) {
    if (b.get(name).empty())
      b.set(name, value);
  };
  set_default("job", job_->job_name);
  set_default(interval_label, format_duration(job_->scrape_interval_ms));
  set_default(timeout_label, format_duration(job_->scrape_timeout_ms));
  set_default(path_label, job_->metrics_path);
  set_default(scheme_label, job_->scheme);
  for (const auto& [name, values] : job_->params)
    if (!values.empty())
      set_default(std::string(param_prefix) + name, values[0]);

  outcome out;
  out.discovered = b.build();
  if (!rules_.apply(b))
    return out;
  auto made = std::make_shared<target>();
  made->discovered = out.discovered;
  out.error = finish(*made);
  if (out.error.ok())
    out.made = std::move(made);
  return out;
}

// Checks what relabelling left in builder_ and fills the target from it.
status target_maker::finish(target& out) {
  auto& b = builder_;
  const std::string address(b.get(address_label));
  if (address.empty())
    return {errc::invalid_argument, "no address"};
  if (address.find('/') != std::string::npos)
    return {errc::invalid_argument, quoted(address) + " is not a valid hostname"};
  TROUPE_ASSIGN(out.interval_ms, positive_duration(b.get(interval_label), "scrape interval"));
  TROUPE_ASSIGN(out.timeout_ms, positive_duration(b.get(timeout_label), "scrape timeout"));
  if (out.timeout_ms > out.interval_ms)
    return {errc::invalid_argument, "scrape timeout cannot be greater than scrape interval (" +
                                        quoted(b.get(timeout_label)) + " > " +
                                        quoted(b.get(interval_label)) + ")"};
  b.keep_if([](std::string_view name) { return !name.starts_with(meta_prefix); });
  if (b.get("instance").empty())
    b.set("instance", address);
  for (const auto& [name, value] : b.pairs())
    if (!is_valid_utf8(value))
      return {errc::invalid_argument,
              "invalid label value for " + quoted(name) + ": " + quoted(value)};
  out.url = url_of(b);
  out.id = xxh3(out.url, b.build().hash());
  b.keep_if([](std::string_view name) { return !name.starts_with(reserved_prefix); });
  out.public_labels = b.build();
  return {};
}

// As Go prints a URL of these parts; the query is sorted by parameter name.
std::string target_maker::url_of(const labels_builder& b) const {
  std::map<std::string, std::vector<std::string>> params = job_->params;
  for (const auto& [name, value] : b.pairs()) {
    if (!name.starts_with(param_prefix))
      continue;
    auto& values = params[name.substr(param_prefix.size())];
    if (values.empty())
      values.push_back(value);
    else
      values[0] = value;
  }
  const auto path = b.get(path_label);
  std::string out(b.get(scheme_label));
  out.append("://").append(b.get(address_label));
  if (!path.starts_with('/'))
    out += '/';
  append_escaped(out, path, path_safe, false);
  char separator = '?';
  for (const auto& [name, values] : params)
    for (const auto& value : values) {
      out += separator;
      append_escaped(out, name, query_safe, true);
      out += '=';
      append_escaped(out, value, query_safe, true);
      separator = '&';
    }
  return out;
}

}  // namespace troupe::discover
